"""Makes files that want to hurt whoever reads them: bombs, loops, lies and rubbish.

    python3 tests/hostile_documents/make.py --out FOLDER [--seed 7] [--step 5]

Writes up to 500 files and `manifest.json`, which says of each the extension that it claims, and where there is only
one right answer, which (`expect`: a list of error kinds, or `read`). The same seed gives the same bytes. Needs nothing
but Python's standard library. `--step 5` makes every fifth file only.
"""

import argparse
import json
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import containers  # noqa: E402
import pdfs  # noqa: E402
import texts  # noqa: E402

COUNT = 500


def recipes():
    """Each maker as often as it says, in a fixed order: name, function."""
    makers = containers.MAKERS + pdfs.MAKERS + texts.MAKERS
    listed = [(make.__name__, make) for count, make in makers for _ in range(count)]
    if len(listed) != COUNT:
        raise SystemExit(f"there are {len(listed)} recipes, not {COUNT}; change the counts")
    return listed


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--step", type=int, default=1)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    manifest = []
    for number, (name, make) in enumerate(recipes()):
        if number % options.step:
            continue
        # Of its own seed, so that a file does not depend on which others were made.
        extension, content, expect = make(random.Random(f"{options.seed}/{number}/{name}"))
        path = options.out / f"{number:03}-{name}.{extension}"
        path.write_bytes(content)
        manifest.append({"file": path.name, "extension": extension, "expect": expect})
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=1))
    print(f"{len(manifest)} files in {options.out}")


if __name__ == "__main__":
    main()
