"""Messages are made of plain data in a sandbox, and a fault is named before a cent is spent."""

# ruff: noqa: E501 - a table reads better with one row a line
from __future__ import annotations

import resource
import time
from collections import OrderedDict, namedtuple
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import models
from django.test.utils import isolate_apps
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from prompts.errors import BrokenTemplate, Forbidden, NotPlainData, NotRendered, TooLarge, UndefinedVariable
from prompts.models import PromptVersion
from prompts.rendering import optional_variables, render, required_variables
from prompts.rendering.render import render_messages
from prompts.rendering.syntax import compiled

CANARY = "canary-7f3a"


def text(template, **variables):
    return render_messages([{"role": "user", "content": template}], variables).messages[0]["content"]


def test_messages_keep_their_roles_and_order():
    version = PromptVersion(
        messages=[
            {"role": "system", "content": "You sort tickets into {{ topics|join(', ') }}."},
            {"role": "user", "content": "{{ text }}"},
            {"role": "assistant", "content": "card"},
        ]
    )
    rendered = render(version, {"topics": ["card", "refund"], "text": "Où est ma carte?", "unused": object()})
    assert rendered.messages == (
        {"role": "system", "content": "You sort tickets into card, refund."},
        {"role": "user", "content": "Où est ma carte?"},
        {"role": "assistant", "content": "card"},
    )
    assert rendered.size == sum(len(m["content"].encode()) for m in rendered.messages)


@pytest.mark.parametrize(
    ("template", "variables", "expected"),
    [
        ("{{ a }} {{ b }} {{ c }} {{ d }}", {"a": 1, "b": 1.5, "c": None, "d": True}, "1 1.5 None True"),
        ("{{ price }} {{ day }}", {"price": Decimal("12.40"), "day": date(2026, 11, 20)}, "12.40 2026-11-20"),
        ("{{ (b - a).days }} {{ a.year }} {{ at.hour }}", {"a": date(2026, 1, 1), "b": date(2026, 1, 3), "at": datetime(2026, 1, 1, 7, tzinfo=UTC)}, "2 2026 7"),
        ("{{ row.title }} {{ row.items }} {{ row['keys'] }}", {"row": {"title": "T", "items": 3, "keys": 4}}, "T 3 4"),
        ("{% for k, v in row.items() %}{{ k }}={{ v }};{% endfor %}", {"row": {"a": 1, "b": 2}}, "a=1;b=2;"),
        ("{% for t in tags %}\n- {{ t }}\n{% else %}\nnone\n{% endfor %}", {"tags": ["a", "b"]}, "- a\n- b\n"),
        ("{% for t in tags if t != 'a' %}{{ loop.index }}/{{ loop.length }} {{ t }}{% endfor %}", {"tags": ["a", "b", "c"]}, "1/2 b2/2 c"),
        ("{{ data|tojson }}", {"data": {"ü": "<b>", "d": date(2026, 1, 1)}}, '{"ü": "<b>", "d": "2026-01-01"}'),
        ("{{ data }}", {"data": ["a", {"b": None}]}, '["a", {"b": null}]'),
        ("{{ a }}", {"a": "<b> & 'c'"}, "<b> & 'c'"),
        ("{{ a|trim|upper|replace('B', 'x')|indent(2) }}", {"a": " a\nb "}, "A\n  x"),
        ("{{ rows|selectattr('open')|map(attribute='n')|sum }}", {"rows": [{"n": 1, "open": True}, {"n": 5, "open": False}]}, "1"),
        ("{% for g in rows|groupby('k') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}", {"rows": [{"k": "a"}, {"k": "a"}, {"k": "b"}]}, "a2b1"),
        ("{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", {}, "6"),
        ("{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ 2 ** 10 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 1.234|round(1) }}", {}, "a1None abab 1024 3 3 1.2"),
        ("{{ text[:3] }}", {"text": "x" * 500_000}, "xxx"),
        ("{{ x|default('–') }}{{ x is defined }}{{ x if x is defined else '!' }}", {}, "–False!"),
        ("{% raw %}{{ not read }}{% endraw %}{# nor this #}", {}, "{{ not read }}"),
        ("{% set x %}{{ a }}!{% endset %}{{ x }}{{ x }}", {"a": 1}, "1!1!"),
        ("{{ g.x }}", {"g": namedtuple("G", "x")(3)._asdict()}, "3"),
        ("{{ o.a }}", {"o": OrderedDict(a=1)}, "1"),
        ("{{ range }} {{ dict.a }} {{ namespace }}", {"range": "80 km", "dict": {"a": 1}, "namespace": "x"}, "80 km 1 x"),
        ("{{ 'far' if range == '80 km' else 'near' }}{% for i in range(2) %}{{ i }}{% endfor %}", {"range": "80 km"}, "far01"),
        ("{{ range(2)|list }}{{ dict(a=1) }}", {"range": "80 km", "dict": 1}, '[0, 1]{"a": 1}'),
    ],
)  # fmt: skip
def test_what_a_template_can_say(template, variables, expected):
    assert text(template, **variables) == expected


class Size(models.TextChoices):
    SMALL = "s", "Small"


def test_choices_and_safe_texts_become_what_they_hold():
    assert text("{{ a }} {{ b|tojson }}", a=Size.SMALL, b=[mark_safe("<i>"), Size.SMALL]) == 's ["<i>", "s"]'


def test_characters_that_no_provider_takes_are_replaced():
    assert text("{{ a }}", a="a\x00b\ud800c") == "a\ufffdb\ufffdc"


@isolate_apps("tests")
def test_only_plain_data_is_taken():
    class Customer(models.Model):
        class Meta:
            app_label = "tests"

        def __str__(self):
            return CANARY

    things = [
        Customer(),
        Customer.__class__,
        gettext_lazy("late"),
        object(),
        {1, 2},
        b"bytes",
        lambda: 1,
        iter([]),
        1j,
        Customer,
    ]
    for thing in things:
        with pytest.raises(
            NotPlainData, match=r"^The variable (a|a\.b\[0\]) is of the type .*: give plain data"
        ) as caught:
            text("{{ a }}", a=thing)
        assert caught.value.name == "a"
        with pytest.raises(NotPlainData, match=r"a\.b\[0\]"):
            text("{{ a }}", a={"b": [thing]})
    with pytest.raises(NotPlainData, match="has a key of the type tuple"):
        text("{{ a }}", a={(1, 2): 3})


def test_variables_too_deep_or_too_many_are_refused():
    deep = []
    for _ in range(100):
        deep = [deep]
    endless = []
    endless.append(endless)
    for value in (deep, endless, list(range(30_000)), Decimal("1E+999999")):
        with pytest.raises(TooLarge):
            text("{{ a }}", a=value)


@pytest.mark.parametrize(
    ("template", "variables", "name", "sentence"),
    [
        ("{{ txt }}", {"text": 1, "language": 2}, "txt", 'Message 1 (user) reads "txt", which is not there. Did you mean "text"? There is: language, text.'),
        ("{{ row.subjct }}", {"row": {"subject": 1}}, "subjct", 'Message 1 (user) reads "subjct", which is not there. Did you mean "subject"? There is: subject.'),
        ("{{ a.b.c }}", {"a": {}}, "b", 'Message 1 (user) reads "b", which is not there. There is: none.'),
        ("{{ a + 1 }}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
        ("{% if a %}x{% endif %}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
        ("{% for x in a %}x{% endfor %}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
        ("{{ a|upper }}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
        ("{{ [a]|tojson }}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
        ("{{ 'x' ~ a }}", {}, "a", 'Message 1 (user) reads "a", which is not there. There is: none.'),
    ],
)  # fmt: skip
def test_a_missing_variable_is_named_with_the_nearest(template, variables, name, sentence):
    with pytest.raises(UndefinedVariable) as caught:
        text(template, **variables)
    assert (caught.value.name, str(caught.value)) == (name, sentence)


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ a", "line 1: unexpected end of template, expected 'end of print statement'."),
        ("a\n{% if b %}", "line 2: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'."),
        ("{% macro a() %}{% endmacro %}", 'line 1: "macro" does not exist in prompts.'),
        ("\n{% include 'settings.py' %}", 'line 2: "include" does not exist in prompts.'),
        ("{% import 'x' as y %}", 'line 1: "import" does not exist in prompts.'),
        ("{% extends 'x' %}", 'line 1: "extends" does not exist in prompts.'),
        ("{% block a %}{% endblock %}", 'line 1: "block" does not exist in prompts.'),
        ("{% filter upper %}{% endfilter %}", 'line 1: "filter" does not exist in prompts.'),
        ("{% for a in b recursive %}{% endfor %}", 'line 1: "recursive" does not exist in prompts.'),
        ("{{ a|shout }}", "line 1: No filter named 'shout'."),
        ("{{ a is strange }}", "line 1: No test named 'strange'."),
        ("{{ range(*a) }}", 'line 1: "*" and "**" do not exist in the calls of prompts.'),
        ("{{ a|_concat }}", "line 1: No filter named '_concat'."),
        ("a\ud800", "the template holds a NUL or half a character: remove it."),
    ],
)  # fmt: skip
def test_a_broken_template_is_named_with_its_line(template, problem):
    with pytest.raises(BrokenTemplate) as caught:
        compiled(template)
    assert str(caught.value) == problem


def test_what_fails_on_these_variables_is_said_in_one_sentence():
    with pytest.raises(
        BrokenTemplate, match=r"^Message 1 \(user\) fails on these variables: ZeroDivisionError: division by zero\.$"
    ):
        text("{{ 1 / n }}", n=0)


# What people have tried against sandboxes of Jinja2. Whatever is tried, the canary must not be read.
ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "{{ ''|attr('__class__') }}",
    "{{ ['']|map(attribute='__class__')|list }}",
    "{{ ['']|map('attr', '__class__')|list }}",
    "{{ [row]|map(attribute='secret.__class__')|list }}",
    "{{ ['']|selectattr('__class__')|list }}",
    "{{ ['']|groupby('__class__')|list }}",
    "{{ ['', 'a']|sort(attribute='__class__') }}",
    "{{ ['']|sum(attribute='__class__') }}",
    "{{ ['']|unique(attribute='__class__')|list }}",
    "{{ ['', 'a']|max(attribute='__class__') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ '{0.__class__.__mro__}'.format('') }}",
    "{{ '{0.__class__}'.format_map({'0': ''}) }}",
    "{{ ''.format }}",
    "{{ '%s'|format(secret) }}",
    "{{ '%(x)s' % {'x': 1} }}",
    "{{ 'x'.join.__globals__ }}",
    "{{ 'x'.replace.func.__globals__ }}",
    "{{ 'x'.upper.__self__ }}",
    "{{ row.get.__self__ }}",
    "{{ row.__init__.__globals__ }}",
    "{{ row.copy() }}",
    "{{ row.update({'a': 1}) }}",
    "{{ row.pop('secret') }}",
    "{{ row.clear() }}",
    "{{ row.fromkeys('ab') }}",
    "{{ items.append(1) }}",
    "{{ items.sort() }}",
    "{{ items.__setitem__(0, 1) }}",
    "{{ range.__init__ }}",
    "{{ range(1).__class__ }}",
    "{{ dict.__subclasses__() }}",
    "{{ dict.mro() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{% set ns = namespace() %}{{ ns.__init__ }}",
    "{% set ns = namespace() %}{{ ns._Namespace__attrs }}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__ }}",
    "{% for a in items %}{{ loop.__class__ }}{% endfor %}",
    "{% for a in items %}{{ loop._iterable }}{% endfor %}",
    "{% for a in items %}{{ loop }}{% endfor %}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ get_flashed_messages }}",
    "{{ request.user.password }}",
    "{{ settings.SECRET_KEY }}",
    "{{ config }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ caller }}",
    "{{ varargs }}",
    "{{ undefined.__class__ }}",
    "{{ missing.__init__.__globals__ }}",
    "{{ (missing|default(none)).__class__ }}",
    "{{ none.__class__ }}",
    "{{ 1 .real }}",
    "{{ 1.5.fromhex('0') }}",
    "{{ true.__class__ }}",
    "{{ day.tzinfo }}",
    "{{ day.strftime('%999999999d') }}",
    "{{ day.__reduce__() }}",
    "{{ amount.as_tuple() }}",
    "{{ amount.__class__ }}",
    "{{ ''.encode().__class__ }}",
    "{{ ''.maketrans }}",
    "{{ ''.translate({97: 'b'}) }}",
    "{{ text.zfill(10) }}",
    "{{ ()|random }}",
    "{{ items|pprint }}",
    "{{ items|map('_counted', -99999999)|map('join')|list }}",
    "{{ items|map('_collected')|list }}",
    "{{ ['_concat']|map('_concat')|list }}",
    "{{ items is callable }}",
    "{{ items is filter }}",
    "{{ ''|safe }}",
    "{{ ''|xmlattr }}",
    "{% autoescape true %}{{ text }}{% endautoescape %}",
    "{% do items.append(1) %}",
    "{% debug %}",
    "{% with %}{{ ''.__class__ }}{% endwith %}",
    "{% set x = ''.__class__ %}{{ x }}",
    "{% for c in ''.__class__ %}{{ c }}{% endfor %}",
    "{% if ''.__class__ %}x{% endif %}",
    "{{ 1 if ''.__class__ else 2 }}",
    "{{ ''.__class__|default('x') ~ 'y' ~ secretx }}",
    "{{ [''.__class__] }}",
    "{{ {'a': ''.__class__} }}",
    "{{ ''.__class__ ~ 'x' }}",
    "{{ ''.__class__ == 1 }}{{ secretx }}",
]


class Bait:
    """What would be found by a template that gets out."""

    def __str__(self):
        return CANARY


@pytest.mark.parametrize("payload", ESCAPES)
def test_no_payload_gets_out_of_the_sandbox(payload):
    row = {"secret": "s", "n": 1}
    items = [1, 2]
    variables = {
        "row": row,
        "items": items,
        "text": "t",
        "day": datetime(2026, 1, 1, tzinfo=UTC),
        "amount": Decimal(1),
        "bait": Bait(),
    }
    with pytest.raises(NotRendered):
        text(payload, **variables)
    assert (row, items) == ({"secret": "s", "n": 1}, [1, 2])


def test_a_canary_beside_the_variables_is_not_read(settings):
    settings.SECRET_KEY = CANARY
    for payload in ESCAPES:
        try:
            out = text(payload, row={}, items=[1], text="t")
        except NotRendered as error:
            out = str(error)
        assert CANARY not in out


FLOODS = {
    "repeated text": "{{ 'a' * 10**9 }}",
    "repeated list": "{{ [0] * 10**9 }}",
    "format width": '{{ "%1000000000d" % 1 }}',
    "power": "{{ 9 ** 99999999 }}",
    "negative power of zero bits": "{{ 1.5 ** 99999 }}",
    "squares": "{% set x = 2 ** 4000 %}{{ x * x * x }}",
    "center": "{{ 'a'|center(10**9) }}",
    "center method": "{{ 'a'.center(10**9) }}",
    "ljust method": "{{ 'a'.ljust(10**9) }}",
    "expandtabs": "{{ '\t'.expandtabs(10**9) }}",
    "indent": "{{ ('a\n' * 1000)|indent(10**6) }}",
    "indent text": "{{ ('a\n' * 1000)|indent('x' * 100000) }}",
    "wordwrap": "{{ text|wordwrap(1, wrapstring='x' * 100000) }}",
    "batch": "{{ [1]|batch(10**9, 0)|list }}",
    "slice": "{{ [1]|slice(10**9)|list }}",
    "replace": "{{ text|replace('', 'y' * 100000) }}",
    "replace method": "{{ text.replace('', 'y' * 100000) }}",
    "join method": "{{ ('x' * 1000).join(text) }}",
    "join": "{{ text|join('y' * 100000) }}",
    "tojson indent": "{{ [1, [2, [3]]]|tojson(indent=10**9) }}",
    "lipsum": "{{ lipsum(n=10**6) }}",
    "range": "{{ range(10**9)|list }}",
    "range sum": "{{ range(10**9)|sum }}",
    "round": "{{ 1.5|round(10**9) }}",
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "nested loops of sums": "{% for a in range(9999) %}{{ range(9999)|sum }}{% endfor %}",
    "nested loops of counts": "{% for a in range(9999) %}{{ long[:300000]|wordcount }}{% endfor %}",
    "nested loops over literals": "{% set l = 'x' * 300 %}" + "{% for a in l %}" * 6 + "{% endfor %}" * 6,
    "constant text in a loop": "{% for a in range(9999) %}" + "x" * 1000 + "{% endfor %}",
    "constant text in a set block": "{% set s %}{% for a in range(9999) %}" + "x" * 1000 + "{% endfor %}{% endset %}",
    "doubled text": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40,
    "doubled by plus": "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 40,
    "doubled list": "{% set a = [1] %}" + "{% set a = a + a %}" * 40,
    "billion laughs": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
    "billion laughs of dicts": "{% set a = {} %}" + "{% set a = {'x': a, 'y': a} %}" * 40 + "{{ a|tojson }}",
    "billion laughs of tuples": "{% set a = (1,) %}" + "{% set a = (a, a) %}" * 40 + "{{ a == 1 }}",
    "laughs through dict()": "{% set a = dict() %}" + "{% set a = dict(x=a, y=a) %}" * 40,
    "laughs through map": "{% set b = range(9999)|list %}{% set c = range(9999)|map(attribute='q', default=b)|list %}",
    "laughs of text": "{% set t = 'x' * 300000 %}{{ [t, t, t, t]|tojson }}",
    "many texts": "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = ns.l + [('x' * 300000) ~ i] %}{% endfor %}",
    "namespace doubling": "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "output in a loop": "{% for a in range(9999) %}{{ text }}{% endfor %}",
    "deep parentheses": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "deep lists": "{{ " + "[" * 5_000 + "]" * 5_000 + " }}",
    "deep ifs": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
    "long template": "x" * 100_001,
    "long text": "{{ long }}",
}  # fmt: skip


@pytest.mark.parametrize("flood", FLOODS)
def test_what_runs_long_or_grows_large_is_stopped(flood):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(NotRendered) as caught:
        text(FLOODS[flood], text="abc" * 1000, long="x" * 500_000)
    assert time.monotonic() - started < 10
    # In KiB: nothing near what was asked for.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "template",
    [
        ("{{ " + "+".join("a" * 180) + " }}") * 270,
        "{{ a " + "< a " * 24_000 + "}}",
        "{{ a|d(b) }}" * 8_000,
        "".join(f"{{% if a{n} %}}{{% set b{n}=1 %}}{{% endif %}}" for n in range(2_300)),
    ],
    ids=["sums", "comparisons", "guards", "branches"],
)
def test_the_worst_template_within_the_limits_is_read_in_a_few_seconds(template):
    # Seconds of this process and no others': the machine may be busy.
    compiled.cache_clear()
    started = time.process_time()
    compiled(template)
    assert time.process_time() - started < 30


def test_a_slow_template_is_stopped_by_the_clock(monkeypatch):
    monkeypatch.setattr("prompts.rendering.limits.SECONDS", 0.0)
    with pytest.raises(
        TooLarge, match=r"^Message 1 \(user\): the template takes more than 0 seconds: make it simpler\.$"
    ):
        text("{{ a }}", a=1)


def test_one_rendering_does_not_count_against_the_next():
    for _ in range(20):
        assert len(text("{{ a }}", a="x" * 300_000)) == 300_000


def test_all_messages_share_one_limit():
    messages = [{"role": "user", "content": "{{ a }}"}] * 2
    with pytest.raises(TooLarge, match=r"^Message 2 \(user\): the text grows beyond 400 KB"):
        render_messages(messages, {"a": "x" * 300_000})
    with pytest.raises(TooLarge):
        text("{{ a }}", a="ü" * 300_000)


@pytest.mark.parametrize(
    ("template", "required", "optional"),
    [
        ("{{ a }}{{ b.c }}{{ d[0] }}", "a b d", ""),
        ("{% for x in xs %}{{ x }}{{ loop.index }}{% endfor %}{% set y = z %}{{ y }}{{ range(3)|list }}", "xs z", ""),
        ("{{ a|default('') }}{{ b|d(c) }}", "c", "a b"),
        ("{% if a is defined %}{{ a }}{% endif %}", "", "a"),
        ("{% if a is defined and a > 1 and b %}{{ a }}{% endif %}", "b", "a"),
        ("{% if a is not defined %}-{% else %}{{ a }}{% endif %}", "", "a"),
        ("{% if a is undefined %}-{% elif b %}{{ a }}{% endif %}", "b", "a"),
        ("{% if a is undefined or a == 1 %}x{% endif %}", "", "a"),
        ("{{ a if a is defined else b }}", "b", "a"),
        ("{{ a if a is defined }}{{ a }}", "a", ""),
        ("{% if a is defined or b %}{{ a }}{% endif %}", "a b", ""),
        ("{% if x is defined %}{% if y is defined %}{{ x }}{{ y }}{% endif %}{% endif %}", "", "x y"),
        ("{{ range }} {{ dict.a }} {{ namespace|default('-') }}", "range dict", "namespace"),
        (
            "{% for i in range(3) %}{{ dict(a=1) }}{% endfor %}{% set ns = namespace(n=0) %}{{ range|d(1) }}",
            "",
            "range",
        ),
        ("{% if range == '80 km' %}{{ range(2)|list }}{% endif %}", "range", ""),
        ("no variables at all", "", ""),
    ],
)
def test_the_variables_a_template_needs_are_found(template, required, optional):
    messages = [{"role": "user", "content": template}]
    assert required_variables(messages) == frozenset(required.split())
    assert optional_variables(messages) == frozenset(optional.split())


@pytest.mark.parametrize(
    "template",
    [
        "{{ a|default('') }}{% if b is defined %}{{ b }}{% endif %}",
        "{% if a is undefined %}-{% else %}{{ a }}{% endif %}",
    ],
)
def test_what_is_optional_really_is(template):
    text(template)


def test_what_one_message_needs_no_other_makes_optional():
    version = PromptVersion(
        messages=[
            {"role": "system", "content": "{{ a|default(1) }}"},
            {"role": "user", "content": "{{ a }}{{ b|d(2) }}"},
        ]
    )
    assert (version.variables, version.optional) == ({"a"}, {"b"})


def test_a_template_is_compiled_once():
    compiled.cache_clear()
    for n in range(5):
        text("{{ once }}", once=n)
    assert compiled.cache_info().misses == 1


def test_forbidden_is_told_from_broken():
    with pytest.raises(
        Forbidden, match=r'^Message 1 \(user\) does what a prompt may not: "__class__" of a value may not be read\.$'
    ):
        text("{{ a.__class__ }}", a="x")
