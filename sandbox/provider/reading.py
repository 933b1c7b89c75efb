"""What the provider's Read makes of the service's answer: some changes behind terraform it does not take over.

Resource types on the provider's older SDK copy the answer into the state with ``common.StructToData``
(github.com/databricks/terraform-provider-databricks, ``common/reflect_resource.go``), whose rules these are::

    if fieldSchema.Optional && isValueNilOrEmpty(valueField, fieldPath) { return nil }
    _, configured := d.GetOk(fieldPath)
    if !d.IsNewResource() && !fieldSchema.Computed && !configured {
        log.Printf("[TRACE] Removing default fields sent back by server: ...")
        return nil
    }

So a removed schedule stays in the state, and what was never configured does not enter it.  A number or a boolean is
never "nil or empty": where the service leaves it out, Go reads its zero.
"""

from __future__ import annotations

from typing import Any

from sandbox.provider.values import Object, Schema, is_zero

_ZERO: dict[str, Any] = {"number": 0, "bool": False}


def read(block: Schema, prior: Object | None, found: Object, *, new: bool = False) -> Object:
    """The new state from the prior one (None at an import, which takes everything) and the service's answer.

    new: the resource was just created; ``prior`` is then what was planned.
    """
    if prior is None:
        return found
    out: Object = {}
    for name, attribute in block.get("attributes", {}).items():
        kind = attribute.get("type")
        value = found[name]
        if value is None and isinstance(kind, str) and not attribute.get("computed") and not new:
            value = _ZERO.get(kind)
        optional, computed = bool(attribute.get("optional")), bool(attribute.get("computed"))
        out[name] = value if _taken(prior[name], value, optional, computed or new) else prior[name]
    for name, nested in block.get("block_types", {}).items():
        optional = not nested.get("min_items")
        out[name] = found[name] if _taken(prior[name], found[name], optional, new) else prior[name]
    return out


def _taken(prior: Any, found: Any, optional: bool, always: bool) -> bool:
    if optional and (found is None or found in ("", [], {})):
        return False
    return always or not is_zero(prior)
