# SPDX-License-Identifier: Apache-2.0
"""Expressions, as their documentation describes them, evaluated over a tree. It shares nothing with
the library: numbers, text, JSON and patterns are Python's own. A term is a tuple, its first item
the kind; `show` writes it with no more brackets than it needs."""
import hashlib
import json
import math
import re

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
UNITS = (("d", 86400 * 10**9), ("h", 3600 * 10**9), ("m", 60 * 10**9), ("s", 10**9),
         ("ms", 10**6), ("us", 1000), ("ns", 1))


class Fault(Exception):
    """What goes wrong: TYPE, VALUE or NAME."""


class Span:
    """A duration in nanoseconds."""

    def __init__(self, ns):
        self.ns = ns


class Moment:
    """A time in nanoseconds since 1970."""

    def __init__(self, ns):
        self.ns = ns


NAMES = {type(None): "null", bool: "bool", int: "int", float: "float", str: "text", list: "list",
         dict: "map", Span: "duration", Moment: "time"}


def kind(value):
    return NAMES[type(value)]


def want(value, *kinds):
    if kind(value) not in kinds:
        raise Fault("TYPE")
    return value


def whole(number):
    """An integer of 64 bits or a fault."""
    if not INT_MIN <= number <= INT_MAX:
        raise Fault("VALUE")
    return number


def finite(number):
    if not math.isfinite(number):
        raise Fault("VALUE")
    return number


# --- how values look -------------------------------------------------------------------------


def show_float(number):
    for digits in range(15 if abs(number) >= 2.2250738585072014e-308 else 1, 18):
        text = f"{number:.{digits}g}"
        if float(text) == number:
            break
    return text if "." in text or "e" in text else text + ".0"


def show_span(ns):
    if ns == 0:
        return "0"
    out, left = "-" if ns < 0 else "", abs(ns)
    for name, unit in UNITS:
        if left < unit:
            continue
        if unit > 10**9:
            out, left = out + f"{left // unit}{name}", left % unit
        else:
            part = f"{left % unit:0{len(str(unit)) - 1}d}".rstrip("0") if left % unit else ""
            return out + f"{left // unit}" + ("." + part if part else "") + name
    return out


def show_moment(ns):
    days, rest = divmod(ns // 10**6, 86400000)
    year, month = 1970, 1
    while True:
        length = 366 if is_leap(year) else 365
        if days >= length:
            days, year = days - length, year + 1
        elif days < 0:
            year -= 1
            days += 366 if is_leap(year) else 365
        else:
            break
    for length in (31, 29 if is_leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if days < length:
            break
        days, month = days - length, month + 1
    return (f"{year:04d}-{month:02d}-{days + 1:02d}T{rest // 3600000:02d}:"
            f"{rest // 60000 % 60:02d}:{rest // 1000 % 60:02d}.{rest % 1000:03d}Z")


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def quote(text):
    return json.dumps(text, ensure_ascii=False)


def to_json(value):
    name = kind(value)
    if name == "float":
        return show_float(value)
    if name in ("duration", "time"):
        return '"' + to_text(value) + '"'
    if name == "list":
        return "[" + ",".join(to_json(one) for one in value) + "]"
    if name == "map":
        keys = sorted(value)
        return "{" + ",".join(quote(key) + ":" + to_json(value[key]) for key in keys) + "}"
    return quote(value)


def to_text(value):
    name = kind(value)
    if name == "null":
        return ""
    if name == "text":
        return value
    if name == "duration":
        return show_span(value.ns)
    if name == "time":
        return show_moment(value.ns)
    return to_json(value)


# --- comparing -------------------------------------------------------------------------------

NUMBERS = ("int", "float")


def equal(a, b):
    left, right = kind(a), kind(b)
    if left in NUMBERS and right in NUMBERS:
        return a == b
    if left != right:
        return False
    if left in ("duration", "time"):
        return a.ns == b.ns
    if left == "list":
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    if left == "map":
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return a == b


def rank(value):
    """The family within which there is an order, and where the value is in it."""
    name = kind(value)
    if name in NUMBERS:
        return "number", value
    if name == "text":
        return name, value.encode()
    if name in ("duration", "time"):
        return name, value.ns
    raise Fault("TYPE")


def order(a, b):
    (left, x), (right, y) = rank(a), rank(b)
    if left != right:
        raise Fault("TYPE")
    return (x > y) - (x < y)


# --- operators -------------------------------------------------------------------------------


def arithmetic(sign, a, b):
    left, right = kind(a), kind(b)
    if left == right == "int":
        return integers(sign, a, b)
    if left in NUMBERS and right in NUMBERS and sign != "%":
        return reals(sign, float(a), float(b))
    if left == right == "text" and sign == "+":
        return a + b
    if (left, right) == ("duration", "int") and sign in "*/":
        return Span(integers(sign, a.ns, b))
    if (left, right, sign) == ("int", "duration", "*"):
        return Span(integers(sign, a, b.ns))
    if left == right == "duration" and sign in "+-":
        return Span(integers(sign, a.ns, b.ns))
    if (left, right) == ("time", "duration") and sign in "+-":
        return Moment(integers(sign, a.ns, b.ns))
    if (left, right, sign) == ("duration", "time", "+"):
        return Moment(integers(sign, a.ns, b.ns))
    if (left, right, sign) == ("time", "time", "-"):
        return Span(integers(sign, a.ns, b.ns))
    raise Fault("TYPE")


def integers(sign, a, b):
    if sign in "/%" and b == 0:
        raise Fault("VALUE")
    if sign == "/":
        return whole(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))
    if sign == "%":
        return abs(a) % abs(b) * (-1 if a < 0 else 1)
    return whole(a + b if sign == "+" else a - b if sign == "-" else a * b)


def reals(sign, a, b):
    if sign == "/":
        if b == 0:
            raise Fault("VALUE")
        return finite(a / b)
    return finite(a + b if sign == "+" else a - b if sign == "-" else a * b)


def inside(a, b):
    if kind(b) == "list":
        return any(equal(a, one) for one in b)
    if kind(b) == "map":
        return want(a, "text") in b
    if b is None:
        return False
    raise Fault("TYPE")


def binary(sign, a, b):
    if sign in ("==", "!="):
        return equal(a, b) == (sign == "==")
    if sign in ("<", "<=", ">", ">="):
        way = order(a, b)
        return {"<": way < 0, "<=": way <= 0, ">": way > 0, ">=": way >= 0}[sign]
    if sign == "in":
        return inside(a, b)
    if sign in FUNCTIONS:
        return FUNCTIONS[sign](a, b)
    return arithmetic(sign, a, b)


# --- functions -------------------------------------------------------------------------------

LOWER = {ord("A") + i: ord("a") + i for i in range(26)}
UPPER = {value: key for key, value in LOWER.items()}


def fn_len(value):
    return len(want(value, "text", "list", "map"))


def fn_replace(text, old, new):
    want(text, "text"), want(old, "text"), want(new, "text")
    if old == "":
        raise Fault("VALUE")
    return text.replace(old, new)


def fn_split(text, separator):
    want(text, "text"), want(separator, "text")
    if separator == "":
        raise Fault("VALUE")
    return text.split(separator)


def fn_join(items, separator):
    want(items, "list"), want(separator, "text")
    return separator.join(to_text(one) for one in items)


def fn_contains(where, what):
    name = kind(want(where, "text", "list", "map"))
    return inside(what, where) if name != "text" else want(what, "text") in where


def fn_matches(text, pattern):
    want(text, "text"), want(pattern, "text")
    try:
        return re.search(pattern.replace("$", "\\Z"), text, re.ASCII) is not None
    except re.error:
        raise Fault("VALUE") from None


def fn_format(text, *values):
    want(text, "text")
    out, at = "", 0
    while at < len(text):
        if text[at] not in "{}":
            out, at = out + text[at], at + 1
        elif text[at:at + 2] in ("{{", "}}"):
            out, at = out + text[at], at + 2
        else:
            found = re.compile(r"\{([0-9]+)\}").match(text, at)
            if found is None or int(found[1]) >= len(values):
                raise Fault("VALUE")
            out, at = out + to_text(values[int(found[1])]), found.end()
    return out


def pairs(items):
    if len({key for key, _ in items}) < len(items):
        raise ValueError
    return dict(items)


def fn_from_json(text):
    try:
        value = json.loads(want(text, "text"), object_pairs_hook=pairs, parse_constant=bad,
                           parse_int=near, parse_float=lambda one: finite(float(one)))
    except (ValueError, RecursionError):
        raise Fault("VALUE") from None
    return value


def near(text):
    """Integers beyond 64 bits are floats."""
    return int(text) if INT_MIN <= int(text) <= INT_MAX else finite(float(text))


def bad(_):
    raise ValueError


def fn_int(value):
    name = kind(want(value, "text", "int", "float", "bool"))
    if name == "text" and not re.fullmatch("-?[0-9]+", value, re.ASCII):
        raise Fault("VALUE")
    return whole(int(value))


def fn_float(value):
    name = kind(want(value, "text", "int", "float", "bool"))
    if name == "text" and not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", value):
        raise Fault("VALUE")
    return finite(float(value))


def fn_bool(value):
    if kind(want(value, "text", "bool")) == "text" and value not in ("true", "false"):
        raise Fault("VALUE")
    return value in (True, "true")


def fn_slice(value, start, *end):
    want(value, "text", "list")
    for one in (start, *end):
        want(one, "int")
    return value[start:end[0]] if end else value[start:]


def fn_unique(items):
    out = []
    for one in want(items, "list"):
        if not any(equal(one, other) for other in out):
            out.append(one)
    return out


def ranks(items):
    found = [rank(one) for one in items]
    if len({name for name, _ in found}) > 1:
        raise Fault("TYPE")
    return found


def fn_sort(items):
    found = ranks(want(items, "list"))
    return [items[i] for i in sorted(range(len(items)), key=lambda i: found[i][1])]


def extreme(pick, values):
    if len(values) == 1 and kind(values[0]) == "list":
        values = values[0]
    found = ranks(values)
    return values[pick(range(len(values)), key=lambda i: found[i][1])] if values else None


def fn_abs(value):
    name = kind(want(value, "int", "float", "duration"))
    return Span(whole(abs(value.ns))) if name == "duration" else \
        whole(abs(value)) if name == "int" else abs(value)


def fn_round(value):
    if kind(want(value, "int", "float")) == "int":
        return value
    down = math.floor(abs(value))
    return whole((down + (abs(value) - down >= 0.5)) * (-1 if value < 0 else 1))


def fn_duration(text):
    want(text, "text")
    if text == "0":
        return Span(0)
    if not re.fullmatch("".join(rf"([0-9]+(?:\.[0-9]+)?{name})?" for name, _ in UNITS), text) or \
            text == "":
        raise Fault("VALUE")
    total = 0
    for number, name in re.findall(r"([0-9.]+)([a-z]+)", text):
        before, _, after = number.partition(".")
        total += int(before) * dict(UNITS)[name]
        total += int(after or "0") * dict(UNITS)[name] // 10**len(after)
    return Span(whole(total))


SEMVER = re.compile(r"v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
                    r"(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
                    r"(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
                    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?", re.ASCII)


def version(text):
    found = SEMVER.fullmatch(want(text, "text"))
    if found is None:
        raise Fault("VALUE")
    numbers = tuple(int(found[i]) for i in (1, 2, 3))
    if found[4] is None:
        return numbers, 1, ()
    return numbers, 0, tuple((0, int(one), "") if one.isdigit() else (1, 0, one)
                             for one in found[4].split("."))


def fn_semver(a, b):
    x, y = version(a), version(b)
    return (x > y) - (x < y)


def ends(items, at):
    want(items, "list")
    return items[at] if items else None


FUNCTIONS = {
    "len": fn_len, "replace": fn_replace, "split": fn_split, "join": fn_join,
    "contains": fn_contains, "matches": fn_matches, "format": fn_format, "fromJson": fn_from_json,
    "int": fn_int, "float": fn_float, "bool": fn_bool, "slice": fn_slice, "unique": fn_unique,
    "sort": fn_sort, "abs": fn_abs, "round": fn_round, "duration": fn_duration,
    "semver": fn_semver, "toJson": to_json, "string": to_text,
    "lower": lambda text: want(text, "text").translate(LOWER),
    "upper": lambda text: want(text, "text").translate(UPPER),
    "trim": lambda text: want(text, "text").strip(" \t\r\n"),
    "startsWith": lambda a, b: want(a, "text").startswith(want(b, "text")),
    "endsWith": lambda a, b: want(a, "text").endswith(want(b, "text")),
    "keys": lambda value: sorted(want(value, "map"), key=str.encode),
    "values": lambda value: [value[key] for key in sorted(want(value, "map"), key=str.encode)],
    "first": lambda items: ends(items, 0),
    "last": lambda items: ends(items, -1),
    "min": lambda *values: extreme(min, values),
    "max": lambda *values: extreme(max, values),
    "coalesce": lambda *values: next((one for one in values if one is not None), None),
    "hash": lambda text: hashlib.sha256(want(text, "text").encode()).hexdigest(),
}


# --- terms -----------------------------------------------------------------------------------


def evaluate(term, world):
    """A term's value in the world, or a Fault."""
    tag = term[0]
    if tag == "value":
        return term[1]
    if tag == "list":
        return [evaluate(one, world) for one in term[1]]
    if tag == "map":
        return {key: evaluate(one, world) for key, one in term[1]}
    if tag == "path":
        return member_path(term[1], world)
    if tag == "member":
        return member(evaluate(term[1], world), term[2])
    if tag == "index":
        of = evaluate(term[1], world)
        return index(of, evaluate(term[2], world))
    if tag == "call":
        if term[1] == "now":
            return Moment(world["now"])
        return FUNCTIONS[term[1]](*[evaluate(one, world) for one in term[2]])
    if tag == "status":
        return {"success": world["status"] == "success", "failure": world["status"] == "failed",
                "cancelled": world["status"] == "cancelled", "always": True}[term[1]]
    if tag == "not":
        return not want(evaluate(term[1], world), "bool")
    if tag == "negate":
        value = want(evaluate(term[1], world), "int", "float", "duration")
        return Span(whole(-value.ns)) if kind(value) == "duration" else \
            whole(-value) if kind(value) == "int" else -value
    if tag == "if":
        return evaluate(term[2 if want(evaluate(term[1], world), "bool") else 3], world)
    return infix(term, world)


def infix(term, world):
    sign = term[1]
    left = evaluate(term[2], world)
    if sign in ("&&", "and", "||", "or"):
        if want(left, "bool") == (sign in ("||", "or")):
            return left
        return want(evaluate(term[3], world), "bool")
    if sign == "??":
        return evaluate(term[3], world) if left is None else left
    right = evaluate(term[3], world)
    if sign.startswith("not "):
        return not binary(sign[4:], left, right)
    return binary(sign, left, right)


def member_path(names, world):
    value = world["contexts"]
    for name in names:
        value = member(value, name)
    return value


def member(of, name):
    return want(of, "map", "null").get(name) if of is not None else None


def index(of, key):
    if of is None:
        return None
    if kind(want(of, "map", "list")) == "map":
        return of.get(want(key, "text"))
    want(key, "int")
    return of[key] if -len(of) <= key < len(of) else None


LEVELS = {"||": 1, "or": 1, "&&": 2, "and": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "??": 7}


def level(term):
    """How tight a term holds together; 9: nothing takes it apart."""
    if term[0] == "if":
        return 0
    if term[0] == "infix":
        return LEVELS.get(term[1], 3)
    return 6 if term[0] in ("not", "negate") else 9


def show(term, least=0):
    """The term's text, in brackets where it holds together less than `least`."""
    text = bare(term)
    return f"({text})" if level(term) < least else text


def bare(term):
    tag = term[0]
    if tag == "value":
        return show_value(term[1])
    if tag == "list":
        return "[" + ", ".join(show(one) for one in term[1]) + "]"
    if tag == "map":
        return "{" + ", ".join(f"{key}: {show(one)}" for key, one in term[1]) + "}"
    if tag == "path":
        return ".".join(term[1])
    if tag == "member":
        return show(term[1], 9) + "." + term[2]
    if tag == "index":
        return show(term[1], 9) + "[" + show(term[2]) + "]"
    if tag == "call":
        return term[1] + "(" + ", ".join(show(one) for one in term[2]) + ")"
    if tag == "status":
        return term[1] + "()"
    if tag == "not":
        return "!" + show(term[1], 6)
    if tag == "negate":
        return "-" + show(term[1], 7 if term[1][0] != "value" else 9)
    if tag == "if":
        return f"{show(term[1], 1)} ? {show(term[2])} : {show(term[3])}"
    mine = level(term)
    return f"{show(term[2], mine + (mine == 3))} {term[1]} {show(term[3], mine + 1)}"


def show_value(value):
    if kind(value) == "text":
        sign = '"' if "'" in value else "'"
        return sign + json.dumps(value)[1:-1].replace('\\"', '"').replace(sign, "\\" + sign) + sign
    return to_json(value)
