import json

from benchmarks.__main__ import COLD_LAYERS
from benchmarks.groups import PARTS
from reproduce.report.appended import speed

CSV = """case,peer,ours,theirs,unit,ratio,ratio_min,ratio_max,n
net,stock,2,4,ms/update,0.5,0.4,0.6,9
"net, peak memory",limit,100,200,MiB,0.5,0.5,0.5,1
"""


def test_the_table_says_what_was_measured_on_what(tmp_path):
    assert speed.tables(tmp_path) == []
    (tmp_path / "bench.csv").write_text(CSV)
    about = {"cpu": "a chip", "threads": 2, "ours": {"keras": "3"}, "peers": {"torch": "2"}}
    (tmp_path / "bench.json").write_text(json.dumps(about))
    (table,) = speed.tables(tmp_path)
    assert table.title == "Speed and memory on a chip, 2 threads; keras 3, torch 2"
    assert table.rows == [
        ("net", "stock", "2", "4", "ms/update", "0.5 [0.4, 0.6]", "9"),
        ("net, peak memory", "limit", "100", "200", "MiB", "0.5", "1"),
    ]


def test_a_target_is_reached_missed_or_not_measured(tmp_path):
    assert speed.targets(tmp_path) is None
    _, case, beside, most = speed.TARGETS[0]
    line = '"{}","{}",1,1,ms/update,{},1,1,7\n'
    for ratio, printed in ((most, "reached"), (most + 0.01, "missed")):
        (tmp_path / "bench.csv").write_text(
            CSV.splitlines()[0] + "\n" + line.format(case, beside, ratio)
        )
        rows = speed.targets(tmp_path).rows
        assert rows[0][1:] == (f"{most:g}", str(ratio), printed)
        assert rows[1][3] == "not measured"


def test_every_target_is_of_a_row_that_the_benchmark_writes():
    groups = [group for part in PARTS.values() for group in part]
    written = {(group.case, entry.label) for group in groups for entry in group.entries[1:]}
    written.add(COLD_LAYERS)
    assert {(case, beside) for _, case, beside, _ in speed.TARGETS} <= written
