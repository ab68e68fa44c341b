from reproduce.paper import paper_numbers


def test_the_papers_numbers():
    assert paper_numbers("Table 9")["Dropout + Max-norm", None] == (1.05, 0)
    assert paper_numbers("Figure 10")["Dropout", 5000.0] == (2.94, 0.36)
    assert paper_numbers("Figure 9a", "train")["Dropout", 0.1] == (2.734, 0.104)
    assert paper_numbers(None) == {}
