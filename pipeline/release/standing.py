"""Where a prompt stands: its versions in files, what was published of it, and which of them runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import ConvmineError
from pipeline.scenarios.model import Edition, Scenario
from pipeline.scenarios.prompt import digest_of
from schemas.reference import PromptPublished


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a prompt as its file."""

    prompt: str
    number: int
    text: str

    @property
    def label(self) -> str:
        return f"{self.prompt}.v{self.number}"

    @property
    def digest(self) -> str:
        return digest_of(self.text)


@dataclass(frozen=True, slots=True)
class Standing:
    """One prompt of a scenario and language; ``files`` are its versions by number, ``record`` what was published."""

    scenario: str
    language: str
    prompt: str
    files: Mapping[int, Version]
    record: PromptPublished | None = None

    @property
    def running(self) -> Version:
        """What was published to run, else the newest file."""
        if self.record is None:
            return self.files[max(self.files)]
        return Version(self.prompt, self.record.prompt_version, self.record.body)

    @property
    def published(self) -> Mapping[int, Version]:
        """Every version that the record has."""
        texts = versions_in(self.record) if self.record else {}
        return {number: Version(self.prompt, number, text) for number, text in texts.items()}

    def version(self, number: int) -> Version:
        """The version of this number, from the files or the record.

        Raises:
            ConvmineError: there is none, or one with other content was published before.
        """
        file, published = self.files.get(number), self.published.get(number)
        label = f"{self.prompt}.v{number}"
        if file and published and file.digest != published.digest:
            raise ConvmineError(
                f"{label} was published before with other content than its file has now",
                hint="give the new content a number of its own: version in its front matter, and its file's name",
            )
        if (found := file or published) is None:
            there = ", ".join(f"{self.prompt}.v{one}" for one in sorted({*self.files, *self.published}))
            raise ConvmineError(f"there is no {label} in {self.scenario} ({self.language}); there are {there}")
        return found

    def before(self, candidate: Version) -> Version | None:
        """What the candidate would take the place of; None where it is the first.

        A newest file that nobody has promoted may run already where it lies; it counts as to be promoted all the same.
        """
        if self.record is not None:
            return self.running
        others = self.files.keys() - {candidate.number}
        return self.files[max(others)] if others else None


def versions_in(record: PromptPublished) -> dict[int, str]:
    """The file of every version that a record has, by its number; of two of one number what runs counts."""
    beside = (record.challenger,) if record.challenger else ()
    return {one.prompt_version: one.body for one in (*record.earlier, *beside, record)}


def standing_of(scenario: Scenario, language: str, prompt: str, record: PromptPublished | None) -> Standing:
    """Where a prompt stands.

    Args:
        scenario: as it is in files, or was pushed, without what is published of its prompts.
        language: of one of its editions.
        prompt: an id.
        record: what was last published of it.

    Raises:
        ConvmineError: the scenario has no such language, or no such prompt.
    """
    edition = _edition(scenario, language)
    files = {one.version: Version(one.id, one.version, one.text) for one in edition.prompts if one.id == prompt}
    if not files and record is None:
        there = ", ".join(sorted({one.id for one in edition.prompts})) or "none"
        raise ConvmineError(f"there is no prompt {prompt!r} in {scenario.id} ({language}); there are {there}")
    return Standing(scenario.id, language, prompt, files, record)


def _edition(scenario: Scenario, language: str) -> Edition:
    if language not in scenario.editions:
        raise ConvmineError(
            f"there is no language {language!r} in {scenario.id}; there are {', '.join(sorted(scenario.editions))}"
        )
    return scenario.editions[language]
