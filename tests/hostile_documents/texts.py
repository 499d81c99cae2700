"""Hostile CSV, JSON, XML, HTML, Markdown, text and code, and files that are not what their names say."""

import json

BIG = ["too_large", "out_of_memory", "timed_out"]
TYPES = ["pdf", "docx", "pptx", "xlsx", "csv", "html", "md", "json", "jsonl", "xml", "txt", "py"]


def deep_xml(random):
    depth = random.choice([300, 100_000, 1_000_000])
    return "xml", b"<a>" * depth + b"x" + b"</a>" * depth, ["too_deep"]


def deep_json(random):
    depth = random.choice([300, 100_000, 3_000_000])
    unit = random.choice([b"[", b'{"a":', b'[{"a":'])
    end = b"" if random.random() < 0.5 else b"1" + b"]" * depth
    return random.choice(["json", "jsonl"]), unit * depth + end, ["too_deep"]


def deep_html(random):
    depth = random.choice([10_000, 1_000_000])
    unit = random.choice(["<div>", "<ul><li>", "<table><tr><td>", "<b>", "<pre>", "<svg>", "<h1>"])
    return "html", f"<!doctype html>{unit * depth}words".encode(), None


def deep_markdown(random):
    """What makes readers of Markdown slow."""
    count = random.choice([5_000, 100_000])
    text = random.choice([
        ">" * count + " x", "[" * count, "*a **a " * count, "`" + "``" * count, "![[]()" * count, "- " * min(count, 20_000) + "x",
        "".join(" " * n + "- x\n" for n in range(1_500)), "<" * count, "a_" * count, "[a](" * count, "&" * count, "\\" * count,
        "|" * count + "\n" + "|-" * count + "\n|x\n" * 20, "[x]: y\n" * count, "***" * count, "~" * count, "<!--" * count, "[^1]" * count,
    ])
    return "md", text.encode(), None


def wide_markdown_table(random):
    columns = random.choice([1_000, 50_000])
    return "md", ("|a" * columns + "|\n" + "|-" * columns + "|\n" + "|1|\n" * 2_000).encode(), None


def entities_in_xml(random):
    """Billion laughs, quadratic growth, entities of themselves, files of the server."""
    kind = random.randrange(4)
    if kind == 0:
        lines = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
        return "xml", f'<!DOCTYPE z [<!ENTITY l0 "lol">{lines}]><z>&l12;</z>'.encode(), None
    if kind == 1:
        return "xml", f'<!DOCTYPE z [<!ENTITY a "{"A" * 100_000}">]><z>{"&a;" * 100_000}</z>'.encode(), None
    if kind == 2:
        return "xml", b'<!DOCTYPE z [<!ENTITY a "&b;"><!ENTITY b "&a;"><!ENTITY % p "%p;">%p;]><z>&a;</z>', None
    return "xml", b'<!DOCTYPE z SYSTEM "http://127.0.0.1/x.dtd" [<!ENTITY a SYSTEM "file:///etc/passwd">]><z>&a;</z>', None


def wide_xml(random):
    unit = random.choice(["<a/>", "<a>b</a>", "<a b='c'/>", "<!-- c -->", "<?p i?>", "<![CDATA[x]]>", "&amp;"])
    return "xml", f"<r>{unit * 1_000_000}</r>".encode(), None


def broken_xml(random):
    text = f"<r>{'<a b=%s>text</a>' % repr('x' * 20) * 500}</r>"
    at = random.randrange(len(text))
    return "xml", (text[:at] + random.choice(["<", ">", "&", "'", "\0", "]]>", "</r>", "<!DOCTYPE", "&#0;", "&#x110000;"]) + text[at:]).encode(), None


def long_csv(random):
    """Lines without end, quotes without end, columns without end."""
    size = random.choice([200_000, 8_000_000])
    text = random.choice(["a" * size, "," * size, '"' + "a,\n" * (size // 3), '"a"b,' * (size // 5), "\n" * size, "a,b\n" * (size // 4), ("," * 1_500 + "\n") * (size // 1_501), "\r" * size])
    return "csv", text.encode(), None


def wide_json(random):
    size = random.choice([300_000, 2_000_000])
    text = random.choice([
        "[" + "1," * size + "1]", "[" + "[]," * size + "[]]", '{"' + "a" * size + '":1}', '"' + "\\u0000" * size + '"', "1" * size,
        "{" + '"a":1,' * size + '"a":1}', "[" + '"' + "\\ud800" * 1_000 + '",' * 100 + "1]", "-" * size, "[" + "1e999999," * 100_000 + "1]",
    ])
    return "json", text.encode(), None


def many_json_lines(random):
    line = random.choice(["{}", "1", '{"a":"' + "b" * 50 + '"}', "[]"])
    return "jsonl", (line + "\n").encode() * 400_000, None


def broken_json(random):
    text = json.dumps([{"name": "x" * 30, "values": list(range(20))}] * 200)
    at = random.randrange(len(text))
    broken = text[:at] + random.choice(["", '"', "}", "]", ",", "\0", "\\", "nul", "\x1f"]) + text[at + 1:]
    return random.choice(["json", "jsonl"]), broken.encode(), None


def strange_html(random):
    count = random.choice([10_000, 500_000])
    text = random.choice([
        "<!--" + "-" * count, "<script>" + "x" * count, "<a " + "b " * count + ">", "<a b='" + "c" * count, "&" * count, "&#x110000;" * (count // 10),
        "<title>" + "t" * count, "<" * count, "</" * count, "<table><tr>" + "<td>x" * count, "<textarea>" * count, "<plaintext>" + "<p>" * count,
        "<a " + "".join(f"a{n}=1 " for n in range(count // 10)) + ">", "<![CDATA[" * count, "<p>" + "\0" * 10 + "x" * count, "<li>" * count + "x",
    ])
    return "html", ("<!doctype html><p>words" + text).encode(), None


def strange_encodings(random):
    """Marks without text, halves of characters, encodings that lie."""
    content = random.choice([
        b"\xFF\xFE", b"\xEF\xBB\xBF", b"\xFF\xFE\x00\xD8" * 5_000, b"\xFE\xFF" + random.randbytes(9_999), b"\xFF\xFE" + "text".encode("utf-16-le") + b"x",
        b"\xF8\x88\x80\x80\x80" * 1_000, b"\xED\xA0\x80" * 1_000, b"+AGEAYgBj-" * 1_000, "words".encode("utf-32"), b"\x1b$B" + b"0!" * 1_000, b"\x00a" * 5_000,
        bytes(range(128, 256)) * 100, b"<?xml version='1.0' encoding='utf-16'?><a>b</a>", b"<meta charset='utf-7'>words",
    ])
    return random.choice(["txt", "csv", "html", "md", "xml", "json"]), content, None


def long_text(random):
    size = random.choice([1_000_000, 20_000_000])
    text = random.choice(["a", "word ", "\n", "\t", "é", "a\n\n", ".", "- ", "x. "])
    return random.choice(["txt", "md", "py", "js"]), text.encode("utf-8") * (size // len(text)), None


def marks_without_end(random):
    """Letters with thousands of accents, characters that turn the writing round, and spaces that are none."""
    unit = random.choice(["a" + "\u0301" * 5_000, "\u202e\u202d" * 1_000, "\u200b" * 5_000, "\ufeff" * 5_000, "\U000e0001" * 2_000, "﷽" * 5_000])
    return random.choice(["txt", "md", "html", "csv"]), (unit * 20 + " end").encode(), None


def wrong_type(random):
    """Pictures, programs and archives under the names of documents."""
    magic = random.choice([b"\x89PNG\r\n\x1a\n", b"\xFF\xD8\xFF\xE0", b"GIF89a", b"\x7fELF\2\1\1\0", b"MZ\x90\0\3", b"\x1f\x8b\x08\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\7\0", b"SQLite format 3\0", b"RIFF\0\0\0\0WEBP", b"ID3\3", b"\0\0\0\x20ftypmp42"])
    return random.choice(TYPES), magic + random.randbytes(random.choice([30, 5_000])), ["mismatched"]


def text_under_a_binary_name(random):
    text = random.choice(["<!DOCTYPE html><title>404</title>Not found", "just words", '{"error": "login"}', "%PDX-1.4 nearly", "PK nearly"])
    return random.choice(["pdf", "docx", "pptx", "xlsx"]), text.encode() * random.choice([1, 100]), ["mismatched"]


def rubbish(random):
    return random.choice(TYPES), random.randbytes(random.choice([1, 3, 100, 100_000])), None


def nothing(random):
    return random.choice(TYPES), b"", ["no_text"]


MAKERS = [
    (5, deep_xml), (5, deep_json), (8, deep_html), (20, deep_markdown), (2, wide_markdown_table), (8, entities_in_xml),
    (5, wide_xml), (8, broken_xml), (10, long_csv), (10, wide_json), (3, many_json_lines), (6, broken_json), (12, strange_html),
    (10, strange_encodings), (6, long_text), (4, marks_without_end), (10, wrong_type), (6, text_under_a_binary_name),
    (10, rubbish), (2, nothing),
]
