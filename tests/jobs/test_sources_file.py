"""Rows of a file: read as what it is, or refused with a sentence that says where and what to do."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from aiops.jobs.sources import BadFile, EmptySource, FileSource, Limits, SourceError, check_rows, check_variables
from aiops.jobs.sources import errors as e
from aiops.jobs.sources.columns import variable_name
from aiops.resources import plain


def source(data, name="tickets.csv", **limits):
    data = data.encode() if isinstance(data, str) else data
    return FileSource(io.BytesIO(data), name=name, limits=Limits(**limits))


def rows(found):
    return [dict(row.variables) for row in found.rows()]


def workbook(*sheets):
    made = Workbook()
    made.remove(made.worksheets[0])
    for title, lines in sheets:
        sheet = made.create_sheet(title)
        for line in lines:
            sheet.append(line)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def repacked(data, change):
    """A workbook with its parts changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
    return packed.getvalue()


TWO = [{"ticket_text": "Wo ist meine Karte?", "priority": "high"}, {"ticket_text": "Grüße, “ok”", "priority": ""}]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", 'Ticket text,Priority\nWo ist meine Karte?,high\n"Grüße, “ok”",\n'.encode()),
        ("t.csv", "Ticket text;Priority\r\nWo ist meine Karte?;high\r\nGrüße, “ok”;\r\n".encode()),
        ("t.csv", "Ticket text\tPriority\nWo ist meine Karte?\thigh\nGrüße, “ok”\t\n".encode("utf-8-sig")),
        ("t.csv", "Ticket text\tPriority\r\nWo ist meine Karte?\thigh\r\nGrüße, “ok”\t\r\n".encode("utf-16")),
        ("t.csv", "Ticket text;Priority\rWo ist meine Karte?;high\rGrüße, “ok”;\r".encode()),
        ("t.csv", '\n"Ticket text";"Priority"\nWo ist meine Karte?;high\n\n;\nGrüße, “ok”;'.encode()),
        ("T.TSV", "Ticket text\tPriority\nWo ist meine Karte?\thigh\nGrüße, “ok”\t\n".encode()),
        ("t.xlsx", workbook(("A", [["Ticket text", "Priority"], ["Wo ist meine Karte?", "high"], ["Grüße, “ok”"]]))),
        (
            "t.json",
            json.dumps([{"Ticket text": t["ticket_text"], "Priority": t["priority"]} for t in TWO]).encode("utf-8-sig"),
        ),
    ],
)
def test_the_same_rows_out_of_every_format(name, data):
    found = source(data, name)
    assert rows(found) == TWO
    assert found.variables == {"ticket_text", "priority"}
    assert found.columns == {"ticket_text": "Ticket text", "priority": "Priority"}
    assert found.count() == check_rows(found) == 2
    assert found.describe() == f"2 rows of {name}"
    assert found.model is None and [row.key for row in found.rows()] == [None, None]
    check_variables(found, frozenset({"ticket_text"}))


def test_a_file_on_disk_has_its_own_name(tmp_path):
    path = tmp_path / "tickets.csv"
    path.write_text("text\nhello\n")
    with path.open("rb") as file:
        found = FileSource(file)
    assert found.describe() == "1 row of tickets.csv"
    assert rows(found) == [{"text": "hello"}], "the file may be closed meanwhile"


def test_what_a_job_keeps_about_a_file():
    assert source("Text\nhello\n", "C:\\fakepath\\tickets.csv").as_json() == {
        "kind": "file",
        "name": "tickets.csv",
        "sheet": "",
        "bytes": 11,
        "sha256": hashlib.sha256(b"Text\nhello\n").hexdigest(),
        "columns": {"text": "Text"},
    }


def test_cells_of_json_keep_their_kind_and_may_be_nested():
    data = [{"n": 1, "f": 0.5, "t": True, "z": None, "o": {"a": ["x\x00", "\ud800"]}}]
    assert rows(source(json.dumps(data), "t.json")) == [
        {"n": 1, "f": 0.5, "t": True, "z": None, "o": {"a": ["x�", "�"]}}
    ]


def test_cells_of_a_workbook_keep_their_kind():
    lines = [
        ["day", "moment", "time", "number", "whole", "truth", "empty", "text"],
        [dt.date(2026, 1, 5), dt.datetime.fromisoformat("2026-01-05T09:30"), dt.time(9, 30), 1.5, 7, True, None, "x"],
    ]
    assert rows(source(workbook(("A", lines)), "t.xlsx")) == [
        {
            "day": "2026-01-05",
            "moment": "2026-01-05T09:30:00",
            "time": "09:30:00",
            "number": 1.5,
            "whole": 7,
            "truth": True,
            "empty": "",
            "text": "x",
        }
    ]


def test_a_formula_counts_as_the_value_it_was_saved_with():
    data = repacked(
        workbook(("A", [["sum"], ["=1+1"]])),
        lambda part, xml: xml.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>"),
    )
    assert load_workbook(io.BytesIO(data)).worksheets[0]["A2"].value == "=1+1"
    assert rows(source(data, "t.xlsx")) == [{"sum": 2}]


def test_a_formula_may_come_to_an_empty_text():
    data = repacked(
        workbook(("A", [["note", "sum"], ["a", '=IF(A2="","","")']])),
        lambda part, xml: xml.replace(b'<c r="B2">', b'<c r="B2" t="str">').replace(b"<v/>", b"<v></v>"),
    )
    assert rows(source(data, "t.xlsx")) == [{"note": "a", "sum": ""}]


def test_a_formula_that_was_saved_without_its_value_is_named():
    lines = [["note", "sum"], ["a", 1], ["b", "=B2+1"], ["c", "=B3+1"]]
    with pytest.raises(e.BadRow) as refusal:
        source(workbook(("A", lines)), "t.xlsx")
    assert str(refusal.value) == (
        "t.xlsx, cell B3: the formula was saved without its value; "
        "open the file in Excel or LibreOffice and save it once."
    )
    assert refusal.value.line == 3
    only_elsewhere = workbook(("A", [["note"], ["a"]]), ("B", lines))
    assert rows(source(only_elsewhere, "t.xlsx")) == [{"note": "a"}]


@pytest.mark.office
@pytest.mark.slow
def test_a_workbook_that_an_office_saved_has_the_values_of_its_formulas(tmp_path):
    lines = [["note", "sum", "empty"], ["a", "=1+1", '=IF(A2="a","","x")'], ["b", "=B2*1.5", "=A3"]]
    (tmp_path / "in.xlsx").write_bytes(workbook(("A", lines)))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    told = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "out"]
    subprocess.run([*told, tmp_path / "in.xlsx"], check=True)
    assert rows(source((tmp_path / "out/in.xlsx").read_bytes(), "t.xlsx")) == [
        {"note": "a", "sum": 2, "empty": ""},
        {"note": "b", "sum": 3, "empty": "b"},
    ]


def test_of_several_sheets_the_first_is_read_and_named():
    found = source(workbook(("March", [["text"], ["a"]]), ("April", [["other"], ["b"]])), "t.xlsx")
    assert found.describe() == "1 row of t.xlsx (March)"
    assert found.as_json()["sheet"] == "March"


def test_blank_rows_and_a_wrong_size_in_a_workbook_do_not_matter():
    data = repacked(
        workbook(("A", [[], ["text", "note"], [None], ["a"], ["", " "], ["b", "x"], [None, ""]])),
        lambda part, xml: xml.replace(b'ref="A2:B6"', b'ref="A1:XFD1048576"'),
    )
    assert rows(source(data, "t.xlsx")) == [{"text": "a", "note": ""}, {"text": "b", "note": "x"}]


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("Ticket text", "ticket_text"),
        ("  E-Mail (work)  ", "e_mail_work"),
        ("text", "text"),
        ("customerName", "customername"),
        ("2024 total", "column_2024_total"),
        ("Straße", "straße"),
        ("ﬁeld", "field"),
        ("名前", "名前"),
        ("In", "in_"),
        ("__class__", "class"),
        ("!?", ""),
    ],
)
def test_a_column_is_a_variable_of_nearly_the_same_name(column, name):
    assert variable_name(column) == name


def with_part(data, xml):
    """A workbook with one more part in it."""
    packed = io.BytesIO(data)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.bin", xml)
    return packed.getvalue()


def one_text(text, times):
    """A workbook that keeps a text once and has it in so many cells."""

    def change(part, xml):
        if part.endswith("sheet1.xml"):
            return xml.replace(b't="inlineStr"><is><t>x</t></is></c>', b't="s"><v>0</v></c>')
        if part == "[Content_Types].xml":
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
            more = f'<Override PartName="/xl/more.bin" ContentType="{kind}"/></Types>'
            return xml.replace(b"</Types>", more.encode())
        return xml

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = f'<sst xmlns="{main}"><si><t>{text}</t></si></sst>'
    return with_part(repacked(workbook(("A", [["text"], *[["x"]] * times])), change), strings.encode())


MORE = "t.xlsx holds more than can be read of a workbook: save the sheet as CSV, or split it."
LATIN = "text,note\nhello,x\ncafé,y\n".encode("latin-1")
BOOK = workbook(("A", [["text"], ["a"]]))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "data", "error", "sentence"),
    [
        # What it is
        ("t.csv", b"", e.BadColumns, "t.csv is empty: it needs a first row with names of columns, and rows below it."),
        ("t.csv", b"\n \n", e.BadColumns, "t.csv: column 1 has no name"),
        ("t.csv", b"\n\n", e.BadColumns, "t.csv is empty"),
        ("t.xlsx", workbook(("A", [])), e.BadColumns, "t.xlsx is empty"),
        ("t.csv", b"text,note\n", EmptySource, "t.csv has names of columns and no rows: there is nothing to do."),
        ("t.csv", b"text,note\n,\n", EmptySource, "has names of columns and no rows"),
        ("t.json", b"[]", EmptySource, "t.json is an empty list: there is nothing to do."),
        (
            "t.pdf",
            b"%PDF-1.7",
            e.WrongFormat,
            "t.pdf cannot be read: give a file whose name ends in .csv, .tsv, .json or .xlsx.",
        ),
        ("t", b"text\na\n", e.WrongFormat, "t cannot be read"),
        ("", b"text\na\n", e.WrongFormat, "The file without a name cannot be read"),
        ("t.csv", BOOK, e.WrongFormat, "t.csv is a workbook or an archive: give it a name that ends in .xlsx"),
        ("t.xlsx", b"text\na\n", e.WrongFormat, "t.xlsx is no workbook, whatever its name says"),
        ("t.xlsx", OLE, e.WrongFormat, "t.xlsx is an old Excel file or under a password: save it as XLSX without one."),
        ("t.csv", bytes(range(256)), e.WrongFormat, "t.csv holds no text"),
        ("t.csv", b"text\na\x00b\n", e.WrongFormat, "t.csv holds no text"),
        ("t.csv", b"<!DOCTYPE html><html></html>", e.WrongFormat, "t.csv holds a web page or XML and no table"),
        ("t.csv", b'[{"text": "a"}]', e.WrongFormat, "t.csv holds JSON: give it a name that ends in .json."),
        # Encoding
        (
            "t.csv",
            LATIN,
            e.BadEncoding,
            "t.csv is not in UTF-8: line 3 has the byte 0xE9 (byte 22 of the file); save it again as UTF-8, "
            "in Excel as “CSV UTF-8”.",
        ),
        ("t.json", '[{"a": "é"}]'.encode("latin-1"), e.BadEncoding, "t.json is not in UTF-8: line 1 has the byte 0xE9"),
        ("t.csv", b"\xef\xbb\xbfa\n\xe9\n", e.BadEncoding, "line 2 has the byte 0xE9 (byte 6 of the file)"),
        # Columns
        ("t.csv", b"text,,note\na,b,c\n", e.BadColumns, "t.csv: column 2 has no name: name it in the first row"),
        ("t.csv", b"text,note,text\na,b,c\n", e.BadColumns, "t.csv has two columns named “text”: rename one of them."),
        (
            "t.csv",
            b"Ticket text,ticket-text\na,b\n",
            e.BadColumns,
            "t.csv: the columns “Ticket text” and “ticket-text” are both {{ ticket_text }} in a prompt: rename one of",
        ),
        ("t.csv", b"text,!!\na,b\n", e.BadColumns, "the column “!!” has no letter or digit in its name"),
        ("t.csv", b"1,Hello there\n2,Goodbye\n", e.BadColumns, "“1” is no name of a column: the first row must hold"),
        ("t.csv", b"id," + b"x" * 200 + b"\n1,b\n", e.BadColumns, "is no name of a column: the first row must hold"),
        ("t.xlsx", workbook(("A", [["text", 2024], ["a", 1]])), e.BadColumns, "“2024” is no name of a column"),
        ("t.xlsx", workbook(("A", [["a", None, "b"], [1, 2, 3]])), e.BadColumns, "t.xlsx: column 2 has no name"),
        # Rows
        (
            "t.csv",
            b'text,note\n"two\nlines",b\nHello, card,x\n',
            e.BadRow,
            "t.csv, line 4: the number of cells is 3, that of columns 2; put cells that hold the delimiter",
        ),
        ("t.csv", b"text,note\na\n", e.BadRow, "t.csv, line 2: the number of cells is 1, that of columns 2"),
        ("t.csv", b'text,note\na,b\n"never closed,c\nd,e\n', e.BadRow, "t.csv, line 3: unexpected end of data"),
        (
            "t.csv",
            b'text,note\n"so" he said,c\n',
            e.BadRow,
            "t.csv, line 2: ',' expected after '\"'; put cells that hold",
        ),
        (
            "t.csv",
            b"text\n" + b"x" * 140_000 + b"\n",
            e.BadRow,
            "line 2: a cell has more than 131,072 characters; end its quotes, shorten it, or give the rows as JSON.",
        ),
        (
            "t.xlsx",
            workbook(("A", [["text"], ["a"], [], ["b", "c"]])),
            e.BadRow,
            "t.xlsx, row 4 has a value to the right of the last named column: name its column.",
        ),
        # JSON
        ("t.json", b'{"text": "a"}', e.WrongFormat, "t.json is no list: write the rows as [{…}, {…}], each with the"),
        (
            "t.json",
            b'[{"text": "a"}, "b"]',
            e.BadRow,
            "t.json, row 2 is no object: write every row as {“name”: value, …}.",
        ),
        (
            "t.json",
            b'[{"text": "a"',
            e.WrongFormat,
            "t.json is no JSON that can be read: Expecting ',' delimiter: line 1",
        ),
        ("t.json", b"text\na\n", e.WrongFormat, "t.json is no JSON that can be read"),
        (
            "t.json",
            b'[{"a": 1, "b": 2}, {"a": 1}]',
            e.BadRow,
            "t.json, row 2 and the first row do not both have “b”: give every row the same names, with null where",
        ),
        ("t.json", b'[{"a": 1}, {"a": 1, "c": 2}]', e.BadRow, "t.json, row 2 and the first row do not both have “c”"),
        ("t.json", b'[{"a": 1, "a": 2}]', e.WrongFormat, 'can be read: "a" is there twice.'),
        ("t.json", b'[{"a": NaN}]', e.WrongFormat, "NaN is no number of JSON; write null."),
        (
            "t.json",
            b'[{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
            e.WrongFormat,
            "is nested too deep to be read",
        ),
        ("t.json", b"[{}]", e.BadColumns, "t.json is empty"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place_and_the_remedy(name, data, error, sentence):
    with pytest.raises(SourceError) as refusal:
        source(data, name)
    assert sentence in str(refusal.value)
    assert type(refusal.value) is error
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "data", "limits", "sentence"),
    [
        (
            "t.csv",
            b"text\n" + b"a\n" * 2**19,
            {"size": 2**20},
            "t.csv is bigger than 1 MB: split it into several files.",
        ),
        ("t.csv", "text\na\nb\nc\n", {"rows": 2}, "t.csv has more than 2 rows or 5,000,000 cells"),
        ("t.csv", "a,b\n1,2\n3,4\n", {"cells": 3}, "t.csv has more than 1,000,000 rows or 3 cells"),
        ("t.xlsx", workbook(("A", [["text"], *[["a"]] * 9])), {"rows": 5}, "t.xlsx goes down to row 7 or has too many"),
        ("t.xlsx", workbook(("A", [["a", "b"], *[[1, 2]] * 2000])), {"sheet_cells": 4000}, "goes down to row 2,001 or"),
        ("t.xlsx", one_text("x" * 30_000, 10), {"unpacked": 250_000}, "goes down to row 10 or has too many cells"),
        ("t.xlsx", workbook(("A", [["a"], ["b"]])), {"unpacked": 1000}, "MB, which is too much: save it as CSV"),
        ("t.xlsx", with_part(BOOK, b"<a>" + b"<si><t>x</t></si>" * 5000 + b"</a>"), {"sheet_cells": 4000}, MORE),
        ("t.xlsx", with_part(BOOK, b"<x:a>" + b"<x:c/>" * 25_000 + b"</x:a>"), {"sheet_cells": 4000}, MORE),
        ("t.xlsx", with_part(BOOK, b"<r><a b" + os.urandom(2**20).hex().encode() + b"='1'/></r>"), {}, MORE),
    ],
)
def test_too_much_is_refused(name, data, limits, sentence):
    with pytest.raises(e.TooBig) as refusal:
        source(data, name, **limits)
    assert sentence in str(refusal.value)


def test_a_text_that_a_workbook_keeps_once_is_read_wherever_it_stands():
    assert rows(source(one_text("Hello", 3), "t.xlsx")) == [{"text": "Hello"}] * 3


def test_parts_that_are_no_xml_do_not_matter():
    assert rows(source(with_part(BOOK, b"\x89PNG\r\n" + os.urandom(2**21)), "t.xlsx")) == [{"text": "a"}]


def test_a_workbook_is_opened_once_however_often_its_rows_are_asked_for():
    opened = []
    sys.setprofile(lambda frame, event, _: opened.append(event) if frame.f_code is load_workbook.__code__ else None)
    try:
        found = source(workbook(("A", [["a"], *([n] for n in range(100))])), "t.xlsx")
        for _ in range(3):
            assert len(rows(found)) == 100
    finally:
        sys.setprofile(None)
    assert opened == ["call", "return"]


def test_a_workbook_that_would_fill_the_memory_is_refused_unopened():
    bomb = repacked(BOOK, lambda part, xml: xml + b" " * (60 * 2**20 if part.endswith("sheet1.xml") else 0))
    assert len(bomb) < 2**20
    with pytest.raises(e.TooBig, match=r"t\.xlsx unpacks to 60 MB"):
        source(bomb, "t.xlsx")


def test_a_single_cell_far_away_does_not_make_a_million_rows():
    far = repacked(BOOK, lambda part, xml: xml.replace(b'r="2"', b'r="9000000"').replace(b'r="A2"', b'r="A9000000"'))
    with pytest.raises(e.TooBig, match=r"t\.xlsx goes down to row 1,000,002"):
        source(far, "t.xlsx")


def test_entities_in_a_workbook_are_not_expanded():
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'

    def change(part, xml):
        if not part.endswith("sheet1.xml"):
            return xml
        start = xml.index(b"<worksheet")
        return xml[:start] + laughs + xml[start:].replace(b"<sheetData>", b"<sheetData><!-- -->")

    with pytest.raises(e.WrongFormat, match=r"no workbook that can be read \(it declares entities\): open it"):
        source(repacked(BOOK, change), "t.xlsx")


@pytest.mark.parametrize(
    "data",
    [
        BOOK[: len(BOOK) // 2],
        BOOK.replace(b"PK\x01\x02", b"PK\x09\x09"),
        repacked(BOOK, lambda part, xml: b"" if part.endswith("workbook.xml") else xml),
        repacked(BOOK, lambda part, xml: xml[:-20] if part.endswith("sheet1.xml") else xml),
        repacked(workbook(("A", [["n"], [1]])), lambda part, xml: xml.replace(b"<v>1</v>", b"<v>one</v>")),
    ],
)
def test_a_broken_workbook_is_refused(data):
    with pytest.raises(e.WrongFormat, match="open it and save it as XLSX again"):
        source(data, "t.xlsx")


def test_an_archive_is_no_workbook():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tickets.csv", "text\na\n")
    with pytest.raises(e.WrongFormat, match=r"t\.xlsx is an archive and no workbook"):
        source(packed.getvalue(), "t.xlsx")


@given(st.text(alphabet='ab1,;\t"\n\r =é\x00[{', max_size=60), st.sampled_from(["csv", "tsv", "json"]))
def test_whatever_text_comes_it_is_rows_or_one_sentence(text, extension):
    try:
        found = source(text, f"t.{extension}")
    except SourceError as refusal:
        said = str(refusal)
    else:
        said = found.describe()
        assert [set(row) for row in rows(found)] == [found.variables] * found.count()
    assert said and "\n" not in said


def test_every_row_is_read_before_any_is_given():
    broken_at_the_end = "text,note\n" + "a,b\n" * 5000 + "only one\n"
    with pytest.raises(BadFile, match="line 5002: the number of cells is 1"):
        source(broken_at_the_end)


def test_what_rows_give_is_plain_data():
    for row in source('[{"a": [1, {"b": null}], "c": "x"}]', "t.json").rows():
        assert plain(dict(row.variables)) == row.variables
