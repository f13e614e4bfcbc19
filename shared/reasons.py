"""The numbers of known reasons: on the wire a reason's name is one byte, everywhere else it is text.

A name that is not listed travels as text, so a new rule works before it gets its number. Numbers are never
reused; 0 to 127 take one byte.
"""

REASON_NUMBERS: dict[str, int] = {
    "limit_s": 1,
    "inside_s": 2,
    "stood_s": 3,
    "travel_m": 4,
    "before_m": 5,
    "limit_m": 6,
    "lay_s": 7,
    "near_m": 8,
    "near_limit_m": 9,
    "away_m": 10,
    "away_limit_m": 11,
}
REASON_NAMES: dict[int, str] = {number: name for name, number in REASON_NUMBERS.items()}
