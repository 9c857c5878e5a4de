"""Prompts are written, looked at and published in the admin, by those who may."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import html
import json
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from prompts import extensions
from prompts.lookup import find_version
from prompts.models import Label, OutputSchema, Prompt, PromptVersion, SchemaVersion

pytestmark = pytest.mark.django_db
ADD = "/admin/prompts/promptversion/add/"


@pytest.fixture
def site(admin_client):
    return admin_client


@pytest.fixture
def staff(client, django_user_model):
    def staff(*permissions):
        user = django_user_model.objects.create_user("anna", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(content_type__app_label="prompts", codename__in=permissions)
        )
        client.force_login(user)
        return client

    return staff


def rows(*messages, start=1):
    data = {"messages-total": str(len(messages))}
    for n, (role, content, *more) in enumerate(messages, start=start):
        data |= {
            f"messages-{n}-role": role,
            f"messages-{n}-content": content,
            f"messages-{n}-place": str(more[0] if more else n),
        }
        if len(more) > 1:
            data[f"messages-{n}-remove"] = "1"
    return data


def written(prompt, *messages, **fields):
    return (
        {"prompt": prompt.pk, "output_limit": 200, "parameters": "{}", "seen": ""}
        | rows(*(messages or [("user", "{{ text }}")]))
        | fields
    )


def errors(response):
    page = response.content.decode()
    assert response.status_code == 200
    lists = re.findall(r'<ul class="errorlist.*?</ul>', page, re.DOTALL)

    return [
        html.unescape(re.sub(r"<.*?>", "", item))
        for block in lists
        for item in re.findall(r"<li.*?</li>", block, re.DOTALL)
    ]


def test_a_new_prompt_leads_on_to_its_first_version(site, admin_user):
    response = site.post(
        "/admin/prompts/prompt/add/", {"name": "triage-ticket", "title": "Triage a ticket", "description": ""}
    )
    prompt = Prompt.objects.get()
    assert response.headers["Location"] == f"{ADD}?prompt={prompt.pk}"
    assert "Next version of triage-ticket" in site.get(response.headers["Location"]).content.decode()
    response = site.post(
        response.headers["Location"], written(prompt, ("system", "Sort."), ("user", "{{ text }}"), note="First")
    )
    version = PromptVersion.objects.get()
    assert response.headers["Location"] == version.get_admin_url()
    assert version.messages == [{"role": "system", "content": "Sort."}, {"role": "user", "content": "{{ text }}"}]
    assert (version.number, version.note, version.created_by, version.is_intact) == (1, "First", admin_user, True)
    assert LogEntry.objects.filter(object_id=str(version.pk), content_type__model="promptversion").count() == 1


def test_rows_are_ordered_by_their_places_and_blank_or_removed_ones_left_out(site, triage):
    messages = [
        ("user", "last", 9),
        ("assistant", "second\r\nline", 1.5),
        ("user", "first", 1),
        ("user", "  ", 2),
        ("user", "gone", 3, True),
    ]
    site.post(ADD, written(triage, *messages))
    assert [message["content"] for message in PromptVersion.objects.get().messages] == ["first", "second\nline", "last"]


def test_the_first_version_starts_from_something_that_can_be_saved(site, triage, schema):
    page = site.get(f"{ADD}?prompt={triage.pk}").content.decode()
    assert re.search(r'name="parameters"[^>]*>\s*\{\}\s*</textarea>', page)
    page = site.get(f"/admin/prompts/schemaversion/add/?schema={schema.pk}").content.decode()
    start = html.unescape(re.search(r'name="body"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1])
    site.post("/admin/prompts/schemaversion/add/", {"schema": schema.pk, "body": start, "seen": "0"})
    assert SchemaVersion.objects.get().body == json.loads(start)


def test_a_refused_form_still_belongs_to_its_prompt(site, triage):
    page = site.post(f"{ADD}?prompt={triage.pk}", written(triage, ("user", "{{"), seen="0")).content.decode()
    assert f'<input type="hidden" name="prompt" value="{triage.pk}"' in page
    assert "Next version of triage-ticket" in page


def test_the_next_version_starts_from_the_last_or_from_the_one_that_was_chosen(site, triage, schema_version):
    triage.add_version(
        messages=[{"role": "user", "content": "first wording"}],
        parameters={"seed": 7},
        schema=schema_version,
        model="gpt-6",
    )
    triage.add_version(messages=[{"role": "user", "content": "second wording"}])
    page = site.get(f"{ADD}?prompt={triage.pk}").content.decode()
    assert "second wording" in page and "first wording" not in page
    page = site.get(f"{ADD}?prompt={triage.pk}&from=1").content.decode()
    assert "first wording" in page and "&quot;seed&quot;: 7" in page and 'value="gpt-6"' in page
    assert re.search(rf'<option value="{schema_version.pk}" selected>ticket-triage v1</option>', page)


BAD = [
    ({"messages-1-content": "{{ text"}, "Message 1 (user): line 1: unexpected end of template, expected 'end of print statement'."),
    ({"messages-1-content": "{% include 'x' %}"}, 'Message 1 (user): line 1: "include" does not exist in prompts.'),
    ({"messages-1-content": ""}, "Write at least one message."),
    ({"messages-total": "x"}, "Write at least one message."),
    ({"messages-1-role": "boss"}, 'Message 1 has the role "boss": choose one of system, developer, user, assistant.'),
    ({"parameters": "{"}, "This is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
    ({"parameters": '{"a": 1, "a": 2}'}, 'This is not JSON: "a" is there twice.'),
    ({"parameters": "[" * 100_000}, "This JSON is nested too deeply."),
    ({"parameters": "[1]"}, 'Parameters are a JSON object, such as {"temperature": 0}.'),
    ({"parameters": '{"max_tokens": 1}'}, '"max_tokens" does not belong in the parameters: use the field "output limit".'),
    ({"output_limit": "0"}, "The output limit is a whole number of tokens from 1 to 1,000,000."),
    ({"output_limit": "many"}, "Enter a whole number."),
    ({"schema": "999"}, "Select a valid choice. That choice is not one of the available choices."),
    ({"prompt": "999"}, "Select a valid choice. That choice is not one of the available choices."),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_what_cannot_be_used_is_refused_at_the_form_and_kept(site, triage, change, sentence):
    response = site.post(ADD, written(triage, note="My reason") | change)
    assert sentence in errors(response)
    assert "My reason" in response.content.decode()
    assert not PromptVersion.objects.exists()


def test_nothing_changed_is_said_and_saves_nothing(site, triage, version):
    same = [(message["role"], message["content"]) for message in version.messages]
    response = site.post(ADD, written(triage, *same, output_limit=1024))
    assert errors(response) == ["triage-ticket v1 says exactly this already: change something, or use that version."]
    assert PromptVersion.objects.count() == 1


def test_of_two_people_writing_at_once_the_second_is_told(site, triage, version):
    page = site.get(f"{ADD}?prompt={triage.pk}").content.decode()
    assert 'name="seen" value="1"' in page
    triage.add_version(messages=[{"role": "user", "content": "theirs"}])
    response = site.post(ADD, written(triage, ("user", "mine"), seen="1"))
    assert "triage-ticket v2 was added meanwhile: look at it, then save again to add yours after it." in errors(
        response
    )
    assert 'name="seen" value="2"' in response.content.decode()
    site.post(ADD, written(triage, ("user", "mine"), seen="2"))
    assert triage.versions.count() == 3


def test_a_version_is_only_looked_at(site, triage, version):
    page = site.get(version.get_admin_url()).content.decode()
    assert "You sort tickets of a bank." in page
    assert "✓ as it was saved" in page
    assert re.search(r'<code class="prompts-variable">text</code>', page)
    assert 'name="_save"' not in page and "<textarea" not in page
    assert site.post(version.get_admin_url(), written(triage, ("user", "changed"))).status_code == 403
    assert PromptVersion.objects.get().messages == version.messages


def test_what_a_page_shows_is_never_markup(site, triage):
    version = triage.add_version(messages=[{"role": "user", "content": "<script>alert(1)</script>"}], note="<b>why</b>")
    for address in (
        version.get_admin_url(),
        triage.get_admin_url(),
        f"{ADD}?prompt={triage.pk}",
        "/admin/prompts/promptversion/",
    ):
        page = site.get(address).content.decode()
        assert "<script>alert" not in page and "<b>why" not in page


@pytest.mark.parametrize("what", ["prompt", "promptversion", "outputschema", "schemaversion"])
def test_pages_have_no_inline_code_and_the_strict_policy(site, version, schema_version, what):
    model = {
        "prompt": Prompt,
        "promptversion": PromptVersion,
        "outputschema": OutputSchema,
        "schemaversion": SchemaVersion,
    }[what]
    for address in (f"/admin/prompts/{what}/", f"/admin/prompts/{what}/add/", model.objects.get().get_admin_url()):
        response = site.get(address)
        page = response.content.decode()
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)


def test_publishing_from_the_versions_page(site, triage, version, admin_user):
    page = site.get(version.get_admin_url()).content.decode()
    address = f"{version.get_admin_url().removesuffix('change/')}label/"
    assert f'formaction="{address}"' in page
    response = site.post(address, {"label": "production"}, follow=True)
    assert "Triage-ticket: production → 1 now." in response.content.decode()
    assert find_version("triage-ticket") == version
    assert triage.label_moves.get().moved_by == admin_user
    assert LogEntry.objects.filter(change_message="triage-ticket: production → 1 now.").exists()
    response = site.post(address, {"label": "7"}, follow=True)
    assert "is no name for a label" in response.content.decode()


def test_publishing_never_happens_on_get(site, version):
    assert site.get(f"{version.get_admin_url().removesuffix('change/')}label/").status_code == 405
    assert not Label.objects.exists()


def test_publishing_from_the_list(site, triage, version):
    other = Prompt.objects.create(name="other", title="Other").add_version(messages=version.messages)
    second = triage.add_version(messages=[{"role": "user", "content": "two"}])
    data = {"action": "publish_selected"}
    page = site.post(
        "/admin/prompts/promptversion/", data | {"_selected_action": [version.pk, other.pk]}, follow=True
    ).content.decode()
    assert "Triage-ticket: production → 1 now." in page and "Other: production → 1 now." in page
    page = site.post(
        "/admin/prompts/promptversion/", data | {"_selected_action": [version.pk, second.pk]}, follow=True
    ).content.decode()
    assert "Select one version of each prompt: only one can be production." in page
    assert find_version("triage-ticket") == version


def test_a_changed_version_says_so_and_is_not_published(site, version):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE prompts_promptversion SET model = 'other'")
    assert "! It was changed outside the admin" in site.get(version.get_admin_url()).content.decode()
    page = site.post(f"{version.get_admin_url().removesuffix('change/')}label/", follow=True).content.decode()
    assert "was changed outside the admin: add a version with the wording that is meant." in page
    assert not Label.objects.exists()


def test_a_prompts_page_shows_labels_variables_and_history(site, triage, version):
    version.publish()
    triage.add_version(messages=[{"role": "user", "content": "{{ other }}"}], note="Because").set_label("staging")
    page = re.sub(r"\s+", " ", re.sub(r"<.*?>", " ", site.get(triage.get_admin_url()).content.decode()))
    assert "production → 1 staging → 2" in page
    assert "Version 1 reads: text" in page
    assert "Because" in page and "Add a version from this" in page


def test_a_prompt_keeps_its_name(site, triage):
    site.post(triage.get_admin_url(), {"name": "other", "title": "New title", "description": ""})
    triage.refresh_from_db()
    assert (triage.name, triage.title) == ("triage-ticket", "New title")


def test_a_label_keeps_its_version_from_being_deleted(site, triage, version):
    version.publish()
    page = site.post(f"{version.get_admin_url().removesuffix('change/')}delete/", {"post": "yes"}).content.decode()
    assert "production → 1" in page
    assert PromptVersion.objects.exists()


def test_schemas_are_written_with_each_problem_named(site, schema, body):
    address = f"/admin/prompts/schemaversion/add/?schema={schema.pk}"
    broken = {"type": "object", "properties": {"a": {"type": "string", "default": 1}, "b": {}}, "required": ["a"]}
    response = site.post(address, {"schema": schema.pk, "body": json.dumps(broken), "seen": "0"})
    assert errors(response) == [
        "an object needs additionalProperties: false.",
        "every property must be required: add b, and allow null where it may be empty.",
        "a: default is not taken: require the property and allow null.",
        "b: has no type: give it one of string, number, integer, boolean, object, array, null.",
    ]
    assert "&quot;default&quot;" in response.content.decode()
    assert errors(site.post(address, {"schema": schema.pk, "body": "{'a'}"})) == [
        "This is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."
    ]
    response = site.post(address, {"schema": schema.pk, "body": json.dumps(body), "seen": "0"}, follow=True)
    assert "Ticket-triage v1 was added." in response.content.decode()
    assert list(SchemaVersion.objects.get().body["properties"]) == ["reason", "category", "confidence"]
    # The next one starts from it, in the same order.
    page = site.get(address).content.decode()
    assert page.index("&quot;reason&quot;") < page.index("&quot;category&quot;")


# Who may do what: each cell is tried.
ROLES = {
    "nobody": (),
    "viewer": ("view_prompt", "view_promptversion"),
    "author": ("view_prompt", "change_prompt", "add_prompt", "view_promptversion", "add_promptversion"),
    "publisher": ("view_prompt", "view_promptversion", "publish_prompt"),
    "blind author": ("add_promptversion",),
}
MAY = {
    # role: list, version page, add form, prefilled add form, add, publish
    "nobody": (403, 403, 403, 403, 403, 403),
    "viewer": (200, 200, 403, 403, 403, 403),
    "author": (200, 200, 200, 200, 302, 403),
    "publisher": (200, 200, 403, 403, 403, 302),
    "blind author": (403, 403, 200, 403, 302, 403),
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_may(staff, triage, version, role):
    client = staff(*ROLES[role])
    got = (
        client.get("/admin/prompts/promptversion/").status_code,
        client.get(version.get_admin_url()).status_code,
        client.get(ADD).status_code,
        client.get(f"{ADD}?prompt={triage.pk}").status_code,
        client.post(ADD, written(triage, ("user", "new"))).status_code,
        client.post(f"{version.get_admin_url().removesuffix('change/')}label/", {"label": "production"}).status_code,
    )
    assert got == MAY[role]
    assert triage.versions.count() == (2 if MAY[role][4] == 302 else 1)
    assert Label.objects.exists() is (MAY[role][5] == 302)


def test_a_viewer_sees_no_button_to_publish_and_no_action(staff, version):
    client = staff(*ROLES["viewer"])
    assert "formaction" not in client.get(version.get_admin_url()).content.decode()
    assert "publish_selected" not in client.get("/admin/prompts/promptversion/").content.decode()


def test_an_anonymous_visitor_is_sent_to_the_login(client, version):
    response = client.post(f"{version.get_admin_url().removesuffix('change/')}label/")
    assert response.status_code == 302 and "/login/" in response.headers["Location"]


@pytest.mark.parametrize("what", ["prompt", "promptversion", "outputschema", "schemaversion"])
def test_lists_take_the_same_queries_however_long_they_are(site, body, messages, what, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def fill(start, stop):
        for n in range(start, stop):
            prompt = Prompt.objects.create(name=f"p{n}", title="P")
            schema = OutputSchema.objects.create(name=f"s{n}", title="S")
            version = prompt.add_version(messages=messages, schema=schema.add_version(body))
            version.publish()
            prompt.add_version(messages=messages).set_label("staging")

    def queries(address):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert site.get(address).status_code == 200
        return captured.captured_queries

    fill(0, 2)
    few = queries(f"/admin/prompts/{what}/")
    fill(2, 30)
    many = queries(f"/admin/prompts/{what}/")
    assert len(many) == len(few) <= 10
    # The long texts stay in the database.
    assert not any(re.search(r'"(messages|parameters|body)"', query["sql"]) for query in many)


def test_a_prompts_page_takes_the_same_queries_however_many_versions(site, triage, django_assert_max_num_queries):
    for n in range(60):
        triage.add_version(messages=[{"role": "user", "content": f"{n}"}]).set_label(f"label-{n}")
    with django_assert_max_num_queries(14):
        page = site.get(triage.get_admin_url()).content.decode()
    assert f"/admin/prompts/promptversion/?prompt__id__exact={triage.pk}" in page
    assert site.get(f"/admin/prompts/promptversion/?prompt__id__exact={triage.pk}").status_code == 200
    assert site.get("/admin/prompts/promptversion/?label=label-3").content.decode().count('class="action-select"') == 1


@pytest.fixture
def connections(monkeypatch):
    # Other apps of the site offer theirs.
    monkeypatch.setattr(extensions, "_connections", [])

    def offer():
        return [("openai", "OpenAI"), ("local", "this machine")]

    extensions.offer_connections(offer)
    yield
    extensions.withdraw_connections(offer)


def test_connections_are_chosen_from_what_is_offered(site, triage, connections):
    page = site.get(ADD).content.decode()
    assert '<option value="local">this machine</option>' in page
    assert 'There is no connection "gone": choose one of local, openai.' in errors(
        site.post(ADD, written(triage, connection="gone"))
    )
    site.post(ADD, written(triage, connection="local"))
    assert PromptVersion.objects.get().connection == "local"


def test_a_connection_that_is_gone_is_shown_as_such(site, triage, connections):
    triage.add_version(messages=[{"role": "user", "content": "x"}], connection="old")
    assert '<option value="old" selected>old (gone)</option>' in site.get(f"{ADD}?prompt={triage.pk}").content.decode()


@pytest.fixture
def extended():
    from django.db.models import Count

    added = (
        (PromptVersion, extensions.Panel("mine", "My panel", "prompts/admin/used_panel.html", lambda request, version: {"versions": [version]})),
        (PromptVersion, extensions.Panel("hidden", "Hidden panel", "prompts/admin/used_panel.html", lambda request, version: None)),
        (Prompt, extensions.Column("moves", "my moves", lambda prompt: prompt.moves, annotate=lambda rows: rows.annotate(moves=Count("label_moves", distinct=True)), ordering="moves")),
    )  # fmt: skip
    for model, extension in added:
        extensions.extend(model, extension)
    yield
    for model, extension in added:
        extensions.withdraw(model, type(extension), extension.name)


@pytest.fixture
def addresses():
    """Addresses are read once, when the site starts: start it anew, and again afterwards."""
    import importlib

    from django.conf import settings as site_settings
    from django.http import HttpResponse
    from django.urls import clear_url_caches

    def view(request, version):
        return HttpResponse(f"trying {version}")

    address = extensions.Address("try", view, tool="Try it", permissions=("prompts.publish_prompt",))
    extensions.extend(PromptVersion, address)
    urls = importlib.import_module(site_settings.ROOT_URLCONF)
    importlib.reload(urls)
    clear_url_caches()
    yield
    extensions.withdraw(PromptVersion, extensions.Address, "try")
    importlib.reload(urls)
    clear_url_caches()


def test_others_add_panels_and_columns(site, version, extended):
    version.publish()
    page = site.get(version.get_admin_url()).content.decode()
    assert 'id="panel-mine-title">My panel</h2>' in page and "Hidden panel" not in page
    page = site.get("/admin/prompts/prompt/?o=5").content.decode()
    assert "My moves" in page or "my moves" in page
    assert re.search(r'<td class="field-moves[^"]*">1</td>', page)


def test_others_add_addresses_with_permissions_of_their_own(site, staff, version, addresses, client):
    address = reverse("admin:prompts_promptversion_try", args=[version.pk])
    assert site.get(address).content == f"trying {version}".encode()
    assert f'<a href="{address}">Try it</a>' in site.get(version.get_admin_url()).content.decode()
    assert site.get(address.replace(str(version.pk), "999")).status_code == 404
    viewer = staff(*ROLES["viewer"])
    assert viewer.get(address).status_code == 403
    assert "Try it" not in viewer.get(version.get_admin_url()).content.decode()
