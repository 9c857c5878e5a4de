"""Bad input: refused before a call by one sentence that says what to do, exit code 2, nothing half-made left behind."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django_q.models import OrmQ

from aiops.calls.models import Call
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Hold
from project.helpdesk.models import Ticket
from prompts.models import OutputSchema, Prompt, PromptVersion

ROWS = ("--model", "helpdesk.Ticket")
TEXT = ("--var", "text=Where is my card?")


@pytest.fixture
def refused(run, provider):
    """Run a command that must be refused; gives the sentence."""

    def refused(*args: object) -> str:
        ran = run(*args)
        assert (ran.code, ran.stdout) == (2, ""), ran
        assert ran.stderr.startswith("CommandError: ") and ran.stderr.count("\n") == 1, ran.stderr
        assert provider.requests == []
        for model in (Job, Item, Call, Hold, OrmQ):
            assert not model.objects.exists(), model
        return ran.stderr.removeprefix("CommandError: ").removesuffix("\n")

    return refused


@pytest.fixture
def file(tmp_path):
    """Write a file to be read as a source, or as variables."""

    def file(name: str, data: bytes | str):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return file


# --- The prompt

PROMPTS = "There is: triage-ticket."


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("triage-tickt", f'There is no prompt "triage-tickt". Did you mean "triage-ticket"? {PROMPTS}'),
        ("", f'There is no prompt "". {PROMPTS}'),
        (
            "triage-ticket@staging",
            'The prompt "triage-ticket" has no label "staging": point it to a version first. There is: production.',
        ),
        ("triage-ticket@9", 'The prompt "triage-ticket" has no version 9. Its latest is 1.'),
    ],
)
@pytest.mark.parametrize("command", [("run_prompt", *TEXT), ("run_prompt", *TEXT, "--dry-run"), ("run_job", *ROWS)])
def test_a_prompt_that_is_not_there(refused, triage, tickets, command, spec, sentence):
    name, *options = command
    assert refused(name, spec, *options) == sentence


def test_a_prompt_whose_production_label_is_missing_has_no_fallback(refused, triage, tickets):
    triage.labels.all().delete()
    assert refused("run_job", "triage-ticket", *ROWS) == (
        'The prompt "triage-ticket" has no label "production": point it to a version first. There is: none.'
    )


@pytest.mark.parametrize("command", [("run_prompt", "triage-ticket", *TEXT), ("run_job", "triage-ticket", *ROWS)])
def test_a_template_that_was_broken_behind_its_back(refused, triage, tickets, command):
    broken = json.dumps([{"role": "user", "content": "{{ text "}])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE prompts_promptversion SET messages = %s WHERE id = %s", [broken, triage.pk])
    assert "template" in refused(*command)


@pytest.mark.parametrize("command", [("run_prompt", "triage-ticket", *TEXT), ("run_job", "triage-ticket", *ROWS)])
def test_a_parameter_that_would_change_the_price(refused, triage, tickets, command):
    messages = [{"role": "user", "content": "{{ text }}"}]
    triage.prompt.add_version(messages=messages, parameters={"service_tier": "priority"}).publish()
    assert refused(*command) == (
        "The parameter “service_tier” may not be set in a version: take it out of its parameters."
    )


# --- Variables


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            (),
            'Message 2 (user) reads "text", which is not there. There is: none.',
        ),
        (
            ("--var", "txet=Hi"),
            'triage-ticket v1 does not read the variable “txet”. Did you mean "text"? It reads: text.',
        ),
        (("--var", "text"), "“text” is no variable: write --var name=value."),
        (("--var", "=Hi"), "“=Hi” is no variable: write --var name=value."),
    ],
)
def test_variables_that_are_missing_misspelt_or_none(refused, triage, given, dry, sentence):
    assert refused("run_prompt", "triage-ticket", *given, *dry) == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b"text=Hi",
            "{file} is no JSON that can be read (Expecting value: line 1 column 1 (char 0)): "
            "write {{“name”: “value”, …}}.",
        ),
        (
            b"",
            "{file} is no JSON that can be read (Expecting value: line 1 column 1 (char 0)): "
            "write {{“name”: “value”, …}}.",
        ),
        (b'["Hi"]', "{file} holds no JSON object: write {{“name”: “value”, …}}."),
        (b'{"text": "Gr\xfc\xdfe"}', "{file} is not in UTF-8: save it again as UTF-8."),
        (
            b'{"text": "Hi", "text": "Bye"}',
            '{file} is no JSON that can be read ("text" is there twice): write {{“name”: “value”, …}}.',
        ),
        (b'{"txet": "Hi"}', 'Message 2 (user) reads "text", which is not there. Did you mean "txet"? There is: txet.'),
    ],
    ids=["no JSON", "empty", "a list", "Latin-1", "a name twice", "misspelt"],
)
def test_files_of_variables_that_cannot_be_read(refused, triage, file, data, sentence):
    path = file("variables.json", data)
    found = refused("run_prompt", "triage-ticket", "--vars", path)
    assert found == sentence.format(file=path)


def test_json_that_is_nested_without_end(refused, triage, file):
    path = file("deep.json", '{"text": ' + "[" * 100_000)
    assert refused("run_prompt", "triage-ticket", "--vars", path).startswith(f"{path} is no JSON that can be read (")


def test_a_file_of_variables_that_is_not_there(refused, triage, tmp_path):
    path = tmp_path / "none.json"
    assert refused("run_prompt", "triage-ticket", "--vars", path) == (
        f"{path} cannot be read (No such file or directory): name a file of JSON."
    )


# --- The connection


@pytest.fixture(params=["run_prompt", "run_job"])
def command(request, triage, tickets):
    """Either command, with nothing wrong with it."""
    return (request.param, "triage-ticket", *(TEXT if request.param == "run_prompt" else ROWS))


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_no_key(refused, command, dry, settings):
    keyless = {"BASE_URL": "https://api.openai.com/v1", "API_KEY": "", "MODEL": "gpt-6-luna"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": keyless}}
    assert refused(*command, *dry) == (
        "The connection 'default' has no key: set OPENAI_API_KEY in the environment, "
        "or point the connection at a server that needs none."
    )


def test_a_connection_that_does_not_exist(refused, command):
    assert refused(*command, "--connection", "locl") == (
        "There is no connection 'locl': use one of default, local, or add it to AIOPS['CONNECTIONS']."
    )


def test_a_connection_that_makes_no_sense(refused, command, settings):
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": {"BASE_URL": "localhost"}}}
    assert refused(*command) == (
        "The connection 'default' has BASE_URL that is no address: it must begin with https://."
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"IN_TRANSACTION": "maybe"}, "AIOPS['IN_TRANSACTION'] is 'maybe': it must be refuse or allow."),
        (
            {"CONNECTIONS": []},
            "AIOPS['CONNECTIONS'] is of type list: it must be a dictionary of connections by alias.",
        ),
        (
            {"CONNECTIONS": {"default": "sk-a-key"}},
            "The connection 'default' is of type str: it must be a dictionary of options.",
        ),
    ],
)
def test_settings_that_make_no_sense(refused, command, settings, changes, sentence):
    settings.AIOPS = settings.AIOPS | changes
    assert refused(*command) == sentence


def test_settings_that_are_no_dictionary(refused, command, settings):
    settings.AIOPS = "sk-a-key"
    assert refused(*command) == "The setting AIOPS is of type str: it must be a dictionary."
    assert refused("local_model", "status") == "The setting AIOPS is of type str: it must be a dictionary."


def test_a_doorbell_that_is_not_there(refused, triage, tickets, settings):
    settings.AIOPS = settings.AIOPS | {"DOORBELL": "shop.bells.Loud"}
    assert refused("run_job", "triage-ticket", *ROWS) == (
        "AIOPS['DOORBELL'] is 'shop.bells.Loud', which is no class that can be made: No module named 'shop'."
    )


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_model_whose_price_nobody_knows_under_a_budget(refused, command, dry):
    assert refused(*command, *dry, "--language-model", "gpt-unheard-of") == (
        "Nobody knows what “gpt-unheard-of” costs on “default”, so no budget can hold for it: choose another "
        "model, give it an own price, or mark the connection FREE where calls cost nothing."
    )


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_call_that_no_budget_has_room_for(refused, triage, budget, dry):
    budget.cap = 1000
    budget.save()
    sentence = refused("run_prompt", "triage-ticket", *TEXT, *dry)
    assert sentence.startswith(
        "The budget “Everything” has $0.0000010 left, and this may cost $0.00016; it is renewed on "
    )


# --- Rows of a model

FIELDS = "category, created_at, id, intent, language, priority, subject, text"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            ("--model", "helpdesk.Tickt"),
            "There is no model “helpdesk.Tickt”; did you mean “helpdesk.Ticket”? There are: helpdesk.Ticket.",
        ),
        (
            ("--model", "Ticket"),
            "There is no model “Ticket”; there are: helpdesk.Ticket.",
        ),
        (
            ("--model", "auth.User"),
            "auth.User has no source: write a ModelResource that names the fields which prompts may read, and register "
            "it in django.contrib.auth.resources with aiops.resources.register(User, source=…).",
        ),
        (
            (*ROWS, "--filter", "categry=card"),
            f"helpdesk.Ticket has no field “categry”; did you mean “category”? There are: {FIELDS}.",
        ),
        (
            (*ROWS, "--filter", "category"),
            "The filter “category” has no value: write it as category=refund or text__icontains=card.",
        ),
        (
            (*ROWS, "--filter", "id__year=3"),
            "The filter “id__year=3” cannot compare id by “year”; there are: exact, gt, gte, in, isnull, lt, lte.",
        ),
        (
            (*ROWS, "--filter", "id__in=1,99999999999999999999"),
            "The filter “id__in=1,99999999999999999999” has a value that id cannot hold: "
            "the column holds no number as large or as small as that.",
        ),
        (
            (*ROWS, "--filter", "id=three"),
            "The filter “id=three” has a value that id cannot hold: “three” value must be an integer.",
        ),
        *(
            (
                (*ROWS, "--filter", f"id{lookup}={'9' * 30}"),
                f"The filter “id{lookup}={'9' * 30}” has a value that id cannot hold: "
                "the column holds no number as large or as small as that.",
            )
            for lookup in ("", "__in", "__gt")
        ),
        ((*ROWS, "--order=-when"), f"helpdesk.Ticket has no field “when”; there are: {FIELDS}."),
        (
            (*ROWS, "--empty", "categry"),
            f"helpdesk.Ticket has no field “categry”; did you mean “category”? There are: {FIELDS}.",
        ),
        (
            (*ROWS, "--filter", "category=card"),
            "There is nothing to do: 0 rows of helpdesk.Ticket; choose other rows.",
        ),
        ((*ROWS, "--user", "nobody"), "There is no user “nobody”: leave --user out, or name one."),
    ],
)
def test_rows_of_a_model_that_make_no_sense(refused, triage, tickets, rows, dry, sentence):
    assert refused("run_job", "triage-ticket", *rows, *dry) == sentence


def test_rows_that_do_not_have_what_the_prompt_reads(refused, greeting, tickets):
    assert refused("run_job", "greet", *ROWS) == (
        "The prompt asks for the variable “name”, which the rows do not have; there are: subject, text."
    )


def test_a_table_without_rows(refused, triage):
    assert not Ticket.objects.exists()
    assert refused("run_job", "triage-ticket", *ROWS) == (
        "There is nothing to do: 0 rows of helpdesk.Ticket; choose other rows."
    )


# --- Rows of a file


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("rows.csv", b"", "rows.csv is empty: it needs a first row with names of columns, and rows below it."),
        ("rows.csv", b"text\n", "rows.csv has names of columns and no rows: there is nothing to do."),
        (
            "rows.csv",
            b"text\nGr\xfc\xdfe\n",
            "rows.csv is not in UTF-8: line 2 has the byte 0xFC (byte 8 of the file); save it again as UTF-8, in Excel "
            "as “CSV UTF-8”.",
        ),
        (
            "rows.csv",
            b"question\nWhere?\n",
            "The prompt asks for the variable “text”, which the rows do not have; there are: question.",
        ),
        ("rows.csv", b"text,text\na,b\n", "rows.csv has two columns named “text”: rename one of them."),
        (
            "rows.csv",
            b"text,note\na,b,c\n",
            "rows.csv, line 2: the number of cells is 3, that of columns 2; put cells that hold the delimiter into "
            "quotes.",
        ),
        (
            "rows.txt",
            b"text\na\n",
            "rows.txt cannot be read: give a file whose name ends in .csv, .tsv, .json or .xlsx.",
        ),
        (
            "rows.xlsx",
            b"text\na\n",
            "rows.xlsx is no workbook, whatever its name says: name it after what it is, or save it as XLSX.",
        ),
        ("rows.json", b"{}", "rows.json is no list: write the rows as [{…}, {…}], each with the same names."),
    ],
)
def test_files_that_cannot_be_read_as_rows(refused, triage, file, name, data, dry, sentence):
    assert refused("run_job", "triage-ticket", "--source", file(name, data), *dry) == sentence


def test_a_file_that_is_not_there(refused, triage, tmp_path):
    assert refused("run_job", "triage-ticket", "--source", tmp_path / "none.csv") == (
        f"{tmp_path / 'none.csv'} cannot be read (No such file or directory): name a CSV, TSV, JSON or XLSX file."
    )
    assert refused("run_job", "triage-ticket", "--source", tmp_path) == (
        f"{tmp_path} cannot be read (Is a directory): name a CSV, TSV, JSON or XLSX file."
    )


@pytest.mark.parametrize("option", [("--filter", "text=a"), ("--order", "text"), ("--empty", "text")])
def test_choosing_rows_of_a_file_by_fields(refused, triage, file, option):
    assert refused("run_job", "triage-ticket", "--source", file("rows.csv", "text\na\n"), *option) == (
        "--filter, --order and --empty choose rows of a model: leave them out with --source."
    )


# --- What the command line itself refuses


@pytest.mark.parametrize(
    "args",
    [
        ("run_job", "triage-ticket"),
        ("run_job", "triage-ticket", *ROWS, "--source", "rows.csv"),
        ("run_job", "triage-ticket", *ROWS, "--limit", "0"),
        ("run_job", "triage-ticket", *ROWS, "--limit", "many"),
        ("run_job", "triage-ticket", *ROWS, "--dry-run", "--follow"),
        ("run_job",),
        ("run_prompt",),
        ("run_prompt", "triage-ticket", "--vars"),
        ("job_status", "7", "--stop", "--resume"),
        ("job_status", "9" * 5000),
    ],
)
def test_options_that_do_not_go_together_are_exit_code_2(run, transactional_db, args):
    ran = run(*args)
    assert (ran.code, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr and f"manage.py {args[0]}: error: " in ran.stderr
    assert not Job.objects.exists()


# --- Schemas: refused when they are saved, and so never asked with


@pytest.mark.parametrize(
    "body",
    [{"type": "objekt"}, {"type": "object", "properties": {"a": {"type": "string"}}}],
    ids=["invalid", "not strict"],
)
def test_a_prompt_file_with_a_bad_schema_is_not_loaded(tmp_path, transactional_db, body):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "prompts").mkdir()
    schema = {"name": "bad", "title": "Bad", "description": "", "body": body}
    (tmp_path / "schemas" / "bad.json").write_text(json.dumps(schema))
    with pytest.raises(CommandError) as error:
        call_command("load_prompts", str(tmp_path), stdout=StringIO())
    assert error.value.returncode == 2
    assert not OutputSchema.objects.exists() and not Prompt.objects.exists() and not PromptVersion.objects.exists()
