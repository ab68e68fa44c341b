"""An import contract: no module imports what imports it, `__init__` files included."""

from importlinter import Contract, ContractCheck, output


class NoCircles(Contract):
    """Fails for every import whose target reaches back to the importer, in any number of steps."""

    def check(self, graph, verbose):
        circles = [
            (importer, imported)
            for importer in sorted(graph.modules)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if graph.find_shortest_chain(importer=imported, imported=importer)
        ]
        return ContractCheck(kept=not circles, metadata={"circles": circles})

    def render_broken_contract(self, check):
        for importer, imported in check.metadata["circles"]:
            output.print_error(f"{importer} imports {imported}, which leads back to it")
