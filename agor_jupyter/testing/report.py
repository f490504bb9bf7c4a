"""`python -m agor_jupyter.testing.report`: run the conformance suite and say what each kind passed.

    --kind claude --kind demo      some of the built-in kinds; none: all
    --harness heron_agor:Harness   a kind of your own, by its harness
    --drivers direct,runner        on the adapter alone, through a real runner, or (default) both
    --case streams_text            some cases; none: all
    --json FILE                    the same as data ("-": instead of the text)

It ends with 1 when a case failed. A kind that is not installed here is listed with what to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from agor_jupyter.testing.conformance import Case, Driver, Skipped
from agor_jupyter.testing.conformance_drivers import run_case
from agor_jupyter.testing.conformance_suite import CASES
from agor_jupyter.testing.harness_book import MakeHarness, NoHarness, beyond, for_case, harness_of, look
from agor_jupyter.testing.harnesses import HARNESSES

CASE_SECONDS = 180.0
Result = Literal["passed", "skipped", "failed"]


@dataclass(frozen=True)
class Outcome:
    """One case, one way. `reason`: why it was skipped, or what failed."""

    case: str
    driver: Driver
    result: Result
    reason: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """One kind. `missing` says what to do where it could not be tried; there are no outcomes then."""

    kind: str
    title: str
    version: str = ""
    missing: str = ""
    outcomes: Sequence[Outcome] = field(default_factory=tuple)

    def of(self, result: Result) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.result == result]

    @property
    def seconds(self) -> float:
        return sum(outcome.seconds for outcome in self.outcomes)


Row = tuple[Case, Driver]


def rows_of(names: Sequence[str], drivers: Sequence[str]) -> list[Row]:
    """Choose cases and ways to run them. Raises `NoHarness` for a name that no case has."""
    unknown = sorted(set(names) - {case.name for case in CASES})
    if unknown:
        raise NoHarness(f"There is no case {', '.join(unknown)}.")
    chosen = [case for case in CASES if not names or case.name in names]
    return [(case, driver) for case in chosen for driver in case.drivers if driver in drivers]


def run_one(make: MakeHarness, case: Case, driver: Driver) -> Outcome:
    """Run one case in an event loop and a folder of its own; whatever it raises is its outcome."""
    began = time.monotonic()

    def outcome(result: Result, reason: str = "") -> Outcome:
        return Outcome(case.name, driver, result, reason, round(time.monotonic() - began, 2))

    if case.name in beyond(make):
        return outcome("skipped", beyond(make)[case.name])
    try:
        with tempfile.TemporaryDirectory(prefix="agor-case-", ignore_cleanup_errors=True) as folder:
            asyncio.run(_within(make, case, driver, Path(folder)))
    except Skipped as reason:
        return outcome("skipped", str(reason))
    except Exception as error:  # supervises foreign code: whatever a case raises is what it reports
        return outcome("failed", _why(error))
    return outcome("passed")


def _why(error: Exception) -> str:
    """Say what failed in a line: the words of an error, else the line of the case that raised it."""
    said = str(error).strip().splitlines()
    if not said:
        said = [frame.line for frame in traceback.extract_tb(error.__traceback__)[-1:] if frame.line]
    name = type(error).__name__
    return f"{name}: {said[0]}".removeprefix("AssertionError: ") if said else name


async def _within(make: MakeHarness, case: Case, driver: Driver, folder: Path) -> None:
    job = asyncio.ensure_future(run_case(case, driver, for_case(make, case.name), folder))
    # No timer of the loop: a case may move the loop's clock by days.
    cancel = asyncio.get_running_loop().call_soon_threadsafe
    timer = threading.Timer(CASE_SECONDS, cancel, (job.cancel,))
    timer.daemon = True
    timer.start()
    try:
        await job
    except asyncio.CancelledError:
        raise TimeoutError(f"it did not end within {CASE_SECONDS:.0f} s") from None
    finally:
        timer.cancel()


def run_kind(make: MakeHarness, rows: Iterable[Row]) -> Report:
    """Run the cases for one kind, one after another."""
    kind, version, missing = asyncio.run(look(make))
    outcomes = () if missing else tuple(run_one(make, case, driver) for case, driver in rows)
    return Report(kind.kind, kind.title, version, missing, outcomes)


def text_of(report: Report) -> str:
    """Say it in lines: the sums, then what failed, then what was skipped, by its reason."""
    name = f"{report.kind:<11} {report.title} {report.version}".rstrip()
    if report.missing:
        return f"{name}: not run. {report.missing}"
    passed, skipped, failed = (report.of(result) for result in get_args(Result))
    lines = [
        f"{name}: {len(passed)} passed, {len(skipped)} skipped, {len(failed)} failed, {report.seconds:.1f} s"
    ]
    lines += [f"  FAILED   {each.case} ({each.driver}): {each.reason}" for each in failed]
    reasons: dict[str, list[str]] = {}
    for each in skipped:
        reasons.setdefault(each.reason, []).append(f"{each.case} ({each.driver})")
    lines += [f"  skipped  {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    return "\n".join(lines)


def data_of(reports: Sequence[Report]) -> str:
    """Say it as JSON: the sums of each kind, and every outcome."""
    return json.dumps(
        [
            {
                **{name: len(report.of(cast(Result, name))) for name in get_args(Result)},
                "seconds": round(report.seconds, 2),
                **asdict(report),
            }
            for report in reports
        ],
        indent=1,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m agor_jupyter.testing.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kind", action="append", default=[], help=f"of {', '.join(sorted(HARNESSES))}")
    parser.add_argument("--harness", action="append", default=[], metavar="MODULE:CLASS")
    parser.add_argument("--drivers", default=",".join(get_args(Driver)))
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--json", default="", metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        rows = rows_of(given.case, given.drivers.split(","))
        places = [*given.kind, *given.harness] or sorted(HARNESSES)
        makers = [harness_of(place) for place in places]
    except NoHarness as error:
        parser.error(str(error))
    reports = []
    for make in makers:
        reports.append(run_kind(make, rows))
        if given.json != "-":
            print(text_of(reports[-1]), flush=True)
    if given.json == "-":
        print(data_of(reports))
    elif given.json:
        Path(given.json).write_text(data_of(reports) + "\n", encoding="utf-8")
    return 1 if any(report.of("failed") for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
