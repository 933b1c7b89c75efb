"""When a version may become champion, and why not."""

from __future__ import annotations

from collections.abc import Mapping

from jobs.model.gates import all_passed, read


def creators(tags: Mapping[str, str], registry_user: str | None) -> set[str]:
    """Everyone who had a hand in a version: who trained it, who registered it, and who asked for it."""
    found = {tags.get("created_by"), tags.get("trained_by"), tags.get("requested_by"), registry_user}
    return {one for one in found if one}


def refusals(
    *, tags: Mapping[str, str], registry_user: str | None, principal: str, approved_by: str, validated_by: str,
    champion: str | None, version: str,
) -> list[str]:  # fmt: skip
    """Every reason against promotion, each with what to do; empty when there is none.

    tags: of the version. principal: who promotes. champion: the version the alias names now, None before the first.
    """
    found = []
    made = creators(tags, registry_user)
    # Names of people are the same in capitals.
    folded = {one.strip().casefold() for one in made}
    if not tags.get("created_by"):
        found.append("it has no tag created_by: register it with the train job")
    if principal in made:
        found.append(f"{principal} created it and would promote it: let the train job's service principal register it")
    for name, value, who in (
        ("approved_by", approved_by, "the ML engineer who approves it"),
        ("validated_by", validated_by, "the data science analyst who validated it"),
    ):
        if not value.strip():
            found.append(f"{name} is empty: run the promote job with {name}=<{who}>")
        elif value.strip().casefold() in folded:
            found.append(f"{name} = {value!r} created it: another person than its creator has to sign")
        elif value.strip().casefold() == principal.casefold():
            found.append(f"{name} = {value!r} is the service principal that promotes: a person has to sign")
    if approved_by.strip() and approved_by.strip().casefold() == validated_by.strip().casefold():
        found.append(f"approved_by and validated_by are both {approved_by!r}: two persons have to sign")
    return found + gate_refusals(tags, champion, version)


def gate_refusals(tags: Mapping[str, str], champion: str | None, version: str) -> list[str]:
    """What its tags say against it: gates not judged, judged against another champion, or not passed."""
    if champion == version:
        return [f"version {version} is the champion already"]
    if tags.get("gates_checked") != "judge":
        return ["its gates were not judged: run the promote job, whose judge task does"]
    if tags.get("gates_champion", "") != (champion or ""):
        was = tags.get("gates_champion") or "none"
        return [f"it was judged against champion {was}, and the champion is now {champion or 'none'}: judge it again"]
    results = read(tags.get("gates", "[]"))
    if all_passed(results, champion):
        return []
    failing = [f"{one.gate}: {one.state} ({one.detail})" for one in results if one.state != "passed"]
    return [f"its gates are not all passed ({'; '.join(failing) or 'it has none'}): train a better version"]
