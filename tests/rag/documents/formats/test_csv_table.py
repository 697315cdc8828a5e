"""CSV files as programs of all kinds write them."""

import pytest

from rag.documents.formats.csv_table import parse_csv


def lines(data: str | bytes) -> list[str]:
    return [line for line in parse_csv(data if isinstance(data, bytes) else data.encode()).text.split("\n") if line]


HUTS = ["hut: Alm; beds: 8; note: by bus", "hut: Joch; beds: 12; note: none"]


@pytest.mark.parametrize(
    "data",
    [
        "hut,beds,note\nAlm,8,by bus\nJoch,12,none\n",
        "hut;beds;note\r\nAlm;8;by bus\r\nJoch;12;none",
        "hut\tbeds\tnote\nAlm\t8\tby bus\nJoch\t12\tnone\n",
        "hut|beds|note\nAlm|8|by bus\nJoch|12|none\n",
        "| hut | beds | note |\n| Alm | 8 | by bus |\n| Joch | 12 | none |\n",
        "hut, beds, note\nAlm, 8, by bus\nJoch, 12, none\n",
        '"hut","beds","note"\n"Alm","8","by bus"\n"Joch","12","none"\n',
        "'hut';'beds';'note'\n'Alm';'8';'by bus'\n'Joch';'12';'none'\n",
        "sep=;\nhut;beds;note\nAlm;8;by bus\nJoch;12;none\n",
        "hut;beds;note;\nAlm;8;by bus;\nJoch;12;none;\n",
        "\ufeffhut,beds,note\nAlm,8,by bus\n\nJoch,12,none\n",
        "hut,beds,note\rAlm,8,by bus\rJoch,12,none\r",
        "#hut,beds,note\nAlm,8,by bus\nJoch,12,none\n",
    ],
)
def test_separators_quotes_and_line_ends_of_all_kinds(data):
    assert lines(data) == HUTS


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("hut;price\nAlm;12,50\nJoch;9,00\n", "hut: Alm; price: 12,50"),
        ("hut\tprice\nAlm\t1.012,50\nJoch\t9,00\n", "hut: Alm; price: 1.012,50"),
        ('hut,price\nAlm,"1,012.50"\nJoch,"9,100.00"\n', "hut: Alm; price: 1,012.50"),
        ("hut;story\nAlm;Old, low, and cold.\nJoch;New, high, dear.\n", "hut: Alm; story: Old, low, and cold."),
        ('hut,story\nAlm,"old\nand ""low"""\nJoch,new\n', 'hut: Alm; story: old and "low"'),
        ('pipe,size\nA,3" wide\nB,2" wide\n', 'pipe: A; size: 3" wide'),
        ('pipe,size\nA,"3 wide\nB,2 wide\nC,1 wide\n', "pipe: B; size: 2 wide"),
        ("Mara;Stores;7110", "Mara; Stores; 7110"),
        ("remark\nCalm, then rain.\nWind from the north, later west, then calm.\n", "Calm, then rain."),
        ("name,phone,phone\nMara,7110,7111\nTom,7112,7113\n", "name: Mara; phone: 7110; phone: 7111"),
    ],
)
def test_cells_hold_what_the_writer_put_into_them(data, found):
    assert any(found in line for line in lines(data))


def test_lines_above_and_below_the_table_stay_and_name_no_column():
    data = (
        "Water meters, spring\nRead on 3 May, 2026\n\nMeter;Street;m³\nW-1;Elm St;341,5\nW-2;Oak St;98,0\n\n"
        "Source: waterworks, 2026\n"
    )
    parsed = parse_csv(data.encode())
    assert lines(data) == [
        "Water meters, spring",
        "Read on 3 May, 2026",
        "Meter: W-1; Street: Elm St; m³: 341,5",
        "Meter: W-2; Street: Oak St; m³: 98,0",
        "Source: waterworks, 2026",
    ]
    assert {section.headings for section in parsed.sections} == {("Water meters, spring",)}
    cells = [cell for section in parsed.sections for cell in section.cells]
    assert [(c.row, c.row_name, c.column) for c in cells][3:] == [
        (1, "W-2", "Meter"),
        (1, "W-2", "Street"),
        (1, "W-2", "m³"),
    ]


def test_comments_stay_as_lines_without_their_mark():
    data = "# made by meterd, v2\n# unit, cubic metres\nMeter,m³\nW-1,341\nW-2,98\n"
    assert lines(data) == ["made by meterd, v2", "unit, cubic metres", "Meter: W-1; m³: 341", "Meter: W-2; m³: 98"]


def test_a_number_sign_alone_is_a_name():
    assert lines("#,Team,Points\n1,Ulsby,24\n2,Varde,21\n")[0] == "#: 1; Team: Ulsby; Points: 24"


def test_a_very_wide_file_is_read_whole():
    data = (
        ";".join(f"c{n}" for n in range(200))
        + "\n"
        + "\n".join(";".join(f"{n},{m}" for n in range(200)) for m in "123")
    )
    assert lines(data)[2].endswith("c198: 198,3; c199: 199,3")
