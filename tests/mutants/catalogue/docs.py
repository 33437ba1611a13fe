"""The documentation: examples that are run, and a site that leaves nothing out."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DOCS_SITE = "tests/integration/test_docs_site.py"
DOCS_BROWSER = "tests/browser/test_docs_site.py"
TUTORIAL = "tests/docs/test_tutorial.py"
EXAMPLES = "tests/docs/test_examples.py"
DOCS_RUNNER = "tests/docs/test_runner.py"

MUTANTS = (
    Mutant(
        "a command left out of the documentation",
        "docs/extensions/commands.py",
        "if not module.ispkg",
        'if module.name != "ledger_gaps"',
        (DOCS_SITE,),
    ),
    Mutant(
        "a public name left out of the documentation",
        "docs/reference/api.md",
        ".. autofunction:: ledger.preview\n",
        "",
        (DOCS_SITE,),
    ),
    Mutant(
        "a setting left out of the documentation",
        "docs/reference/settings.md",
        "### `CLOCK`\n",
        "### The clock\n",
        (DOCS_SITE,),
    ),
    Mutant(
        "a link of the documentation to a heading that isn't there",
        "docs/guides/gaps.md",
        "(../rules.md#declaring)",
        "(../rules.md#to-declare)",
        (DOCS_SITE,),
    ),
    Mutant(
        "the documentation asks another host for a font",
        "docs/site.css",
        "/* What the theme leaves to us.",
        '@import url("https://fonts.example/serif.css");\n/* What the theme leaves to us.',
        (DOCS_SITE,),
    ),
    Mutant(
        "a trigger that the proofs name isn't there",
        "docs/explanation/proofs.md",
        "trigger `ledger_void_fits` |",
        "trigger `ledger_void_suits` |",
        (DOCS_SITE,),
    ),
    Mutant(
        "the documentation's headings without a level",
        "docs/extensions/accessible.py",
        ' aria-level="2">',
        ">",
        (DOCS_BROWSER,),
    ),
    Mutant(
        "the tutorial shows another number",
        "docs/tutorial.md",
        '>>> print(checkout("Grace", "30.00", card="valid"))\nINV-2026-000002\n',
        '>>> print(checkout("Grace", "30.00", card="valid"))\nINV-2026-000003\n',
        (TUTORIAL,),
    ),
    Mutant(
        "a command of the tutorial is misspelt",
        "docs/tutorial.md",
        "$ python manage.py ledger_verify\n",
        "$ python manage.py ledger_verfiy\n",
        (TUTORIAL,),
    ),
    Mutant(
        "README promises another number",
        "README.md",
        '# str(number) == "INV-2026-000123"',
        '# str(number) == "INV-2026-000124"',
        (f"{EXAMPLES}::test_examples[README.md]",),
    ),
    Mutant(
        "a guide shows another output",
        "docs/guides/from-lorikeet.md",
        "12 invoice IDs would come into the pool of the series.",
        "13 invoice IDs would come into the pool of the series.",
        (f"{EXAMPLES}::test_examples[docs/guides/from-lorikeet.md]",),
    ),
    Mutant(
        "an exception takes a whole console along",
        "tests/docs/exceptions.py",
        "not (is_whole and text)",
        "not (is_whole and not text)",
        (DOCS_RUNNER,),
    ),
    Mutant(
        "an ellipsis stands for anything that follows",
        "tests/docs/comparing.py",
        "re.fullmatch(",
        "re.match(",
        (DOCS_RUNNER,),
    ),
)
