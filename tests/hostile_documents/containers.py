"""Hostile DOCX, PPTX and XLSX: ZIP archives, and what claims to be one."""

import io
import struct
import zipfile
import zlib

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BIG = ["too_large", "out_of_memory", "timed_out"]


def archive(parts):
    """A ZIP file of (name, content) pairs, the same at every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts:
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def deflated_run(unit, times, before=b"", after=b""):
    """Deflated bytes of `before + unit * times + after`, made without unpacking them."""
    def block(data, last=False):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
    return block(before) + block(unit) * times + block(after, last=True)


def raw_archive(entries):
    """A ZIP file of entries (name, packed bytes, declared size, flags, offset of an earlier entry or None)."""
    out, central, offsets = io.BytesIO(), io.BytesIO(), []
    for name, packed, size, flags, shared in entries:
        name = name if isinstance(name, bytes) else name.encode()
        if shared is None:
            offset = out.tell()
            out.write(struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, 8, 0, 33, 0, len(packed), size, len(name), 0))
            out.write(name + packed)
        else:
            offset = offsets[shared]
        offsets.append(offset)
        central.write(struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, flags, 8, 0, 33, 0, len(packed), size,
                                  len(name), 0, 0, 0, 0, 0, offset) + name)
    start = out.tell()
    out.write(central.getvalue())
    count = len(entries)
    out.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count & 0xFFFF, count & 0xFFFF, out.tell() - start, start, 0))
    return out.getvalue()


def document(body):
    return f'<?xml version="1.0"?><w:document {WORD}><w:body>{body}</w:body></w:document>'


def docx(body):
    return archive([("word/document.xml", document(body))])


def paragraph(text):
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(rows, strings="", sheets=1, workbook="", dimension=""):
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, sheets + 1))
    related = "".join(f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
                      for n in range(1, sheets + 1))
    root = f'<Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    return archive([
        ("_rels/.rels", f"<Relationships {RELATIONS}>{root}</Relationships>"),
        ("xl/workbook.xml", workbook or f'<workbook {SHEET} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", f"<Relationships {RELATIONS}>{related}</Relationships>"),
        ("xl/sharedStrings.xml", strings or f"<sst {SHEET}/>"),
        ("xl/worksheets/sheet1.xml", f"<worksheet {SHEET}>{dimension}<sheetData>{rows}</sheetData></worksheet>"),
    ])


def pptx(slides):
    xmlns = 'xmlns:a="a" xmlns:p="p" xmlns:r="r"'
    count = len(slides)
    listed = "".join(f'<p:sldId id="{n}" r:id="r{n}"/>' for n in range(count))
    related = "".join(f'<Relationship Id="r{n}" Type="x/slide" Target="slides/slide{n}.xml"/>' for n in range(count))
    parts = [(f"ppt/slides/slide{n}.xml", f"<p:sld {xmlns}><p:sp>{body}</p:sp></p:sld>") for n, body in enumerate(slides)]
    return archive(parts + [
        ("ppt/presentation.xml", f"<p:presentation {xmlns}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"),
        ("ppt/_rels/presentation.xml.rels", f"<Relationships>{related}</Relationships>"),
    ])


def good(random):
    """An ordinary file of one of the three formats."""
    words = " ".join(random.choice(["alpha", "beta", "gamma", "delta"]) for _ in range(200))
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}" t="inlineStr"><is><t>{words[:30]}</t></is></c></row>'
                    for n in range(1, 60))
    return random.choice([
        ("docx", docx("".join(paragraph(words) for _ in range(30)))),
        ("xlsx", xlsx(cells)),
        ("pptx", pptx([f"<a:p><a:r><a:t>{words}</a:t></a:r></a:p>"] * 12)),
    ])


def zip_bomb(random):
    """Hundreds of megabytes to gigabytes of text in a few kilobytes, with a header that says otherwise."""
    extension, part, before, unit = random.choice([
        ("docx", "word/document.xml", document("").split("</w:body>")[0], paragraph("A" * 900)),
        ("docx", "word/document.xml", document("").split("</w:body>")[0] + "<w:p><w:r><w:t>", "A" * 1000),
        ("docx", "word/document.xml", document("").split("</w:body>")[0] + '<w:p w:x="', "A" * 1000),
        ("pptx", "ppt/presentation.xml", '<p:presentation xmlns:p="p"><p:sldIdLst>', '<p:sldId id="1"/>' * 60),
        ("xlsx", "xl/workbook.xml", f"<workbook {SHEET}>", "<x/>" * 300),
    ])
    times = random.choice([300, 1200, 4000])
    packed = deflated_run(unit.encode() * 1000, times, before.encode())
    return extension, raw_archive([(part, packed, random.choice([100, min(len(unit) * 1000 * times, 0xFFFFFFFF)]), 0, None)]), BIG + ["damaged"]


def shared_strings_bomb(random):
    """A workbook whose list of strings, which a reader wants whole, has no end."""
    with zipfile.ZipFile(io.BytesIO(xlsx('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'))) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    unit = random.choice([b"<si><t>" + b"B" * 1000 + b"</t></si>", b"<si/>" * 200])
    entries = []
    for name, content in parts.items():
        if name == "xl/sharedStrings.xml":
            times = random.choice([60, 400, 2000])
            packed = deflated_run(unit * 1000, times, f"<sst {SHEET}>".encode(), b"</sst>")
            entries.append((name, packed, random.choice([4096, len(unit) * 1000 * times]), 0, None))
        else:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            entries.append((name, packer.compress(content) + packer.flush(), len(content), 0, None))
    return "xlsx", raw_archive(entries), BIG + ["damaged"]


def overlapping_entries(random):
    """Thousands of names for one entry, as in bombs that a per-file limit does not see."""
    packed = deflated_run(b"\0" * 100_000, 50)
    names = ["word/document.xml"] + [f"word/media/image{n}.xml" for n in range(random.choice([500, 5000]))]
    entries = [(names[0], packed, 100, 0, None)] + [(name, packed, 100, 0, 0) for name in names[1:]]
    return "docx", raw_archive(entries), None


def nested_archives(random):
    """Archives in archives in archives, and one that is its own content."""
    inner = docx(paragraph("innermost"))
    for depth in range(random.randint(5, 40)):
        inner = archive([("word/document.xml", document("")), (f"word/embeddings/{depth}.docx", inner)])
    return "docx", inner, ["no_text"]


def archive_within_itself(random):
    """A directory whose entry is the whole file, directory included."""
    content = raw_archive([("word/document.xml", b"", 0, 0, None)])
    return "docx", raw_archive([("word/document.xml", content, len(content), 0, None)]) + content, None


def names_that_lead_away(random):
    """Entries that a careless unpacker would write somewhere else."""
    names = ["../../../etc/passwd", "/etc/shadow", "C:\\Windows\\win.ini", "word/../../x", b"word/\xff\xfe\0.xml", "x" * 60_000]
    entries = [(name, deflated_run(b"gone", 1), 4, 0, None) for name in random.sample(names, 4)]
    entries.append(("word/document.xml", deflated_run(document(paragraph("fine")).encode(), 1), 0, 0, None))
    return "docx", raw_archive(entries), None


def relations_that_lead_away(random):
    """Slides that are files of the server, or other presentations, or the list of slides itself."""
    target = random.choice(["../../../../etc/passwd", "file:///etc/passwd", "http://127.0.0.1/", "../presentation.xml", "/ppt/presentation.xml"])
    content = archive([
        ("ppt/presentation.xml", '<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>' + '<p:sldId r:id="r1"/>' * 400
         + "</p:sldIdLst></p:presentation>"),
        ("ppt/_rels/presentation.xml.rels", f'<Relationships><Relationship Id="r1" Type="x/slide" Target="{target}"/></Relationships>'),
    ])
    return "pptx", content, ["no_text"]


def deep_office(random):
    """Elements within elements, far deeper than a stack."""
    depth = random.choice([1_000, 100_000, 1_000_000])
    kind = random.randrange(3)
    if kind == 0:
        return "docx", docx("<w:sdt>" * depth + paragraph("x") + "</w:sdt>" * depth), ["too_deep"]
    if kind == 1:
        return "docx", docx("<w:tbl><w:tr><w:tc>" * depth), ["too_deep"]
    return "pptx", pptx(["<p:grpSp>" * depth]), ["too_deep"]


def entities_in_office(random):
    """Entities that grow, or that name a file of the server."""
    bomb = '<!DOCTYPE x [<!ENTITY a "' + "ha" * 500 + '">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)) + "]>"
    outside = '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>'
    head = random.choice([bomb, outside])
    body = document(paragraph("&j; words")).replace("<w:document", head + "<w:document", 1)
    if random.random() < 0.3:
        strings = f"{head}<sst {SHEET}><si><t>&j;</t></si></sst>"
        return "xlsx", xlsx('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings), None
    return "docx", archive([("word/document.xml", body)]), None


def truncated_office(random):
    extension, content = good(random)
    return extension, content[:random.randrange(1, len(content))], None


def damaged_office(random):
    """A good file with some bytes changed, often in its directory."""
    extension, content = good(random)
    content = bytearray(content)
    start = random.choice([0, max(0, len(content) - 400)])
    for _ in range(random.choice([1, 5, 50])):
        content[random.randrange(start, len(content))] = random.randrange(256)
    return extension, bytes(content), None


def damaged_parts(random):
    """A sound archive whose XML is broken in the middle."""
    extension, content = good(random)
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        parts = [(name, bytearray(source.read(name))) for name in source.namelist()]
    for _, part in parts:
        if part and random.random() < 0.6:
            at = random.randrange(len(part))
            part[at:at + random.choice([1, 3, 30])] = random.choice([b"", b"<", b"&#xFFFFFFFF;", b"\0", b"]]>", b"<![CDATA["])
    return extension, archive([(name, bytes(part)) for name, part in parts]), None


def huge_sheet(random):
    """Sheets that say they are as large as can be, with cells at impossible places."""
    places = ["XFD1048576", "A1048576", "ZZZZZZZ1", "A99999999999999999999", "A0", "", "1A", "é1", "A-5"]
    cells = "".join(f'<row r="{random.choice(["1", "1048576", "4294967295", "-1", "x"])}"><c r="{random.choice(places)}"><v>1</v></c></row>'
                    for _ in range(200))
    dimension = f'<dimension ref="{random.choice(["A1:XFD1048576", "A1:ZZZZZZ99999999999", "B2:A1", "#REF!"])}"/>'
    return "xlsx", xlsx(cells, dimension=dimension), None


def wide_sheet(random):
    """Millions of cells."""
    row = "".join(f'<c><v>{n % 10}</v></c>' for n in range(16_000))
    rows = f"<row>{row}</row>" * random.choice([20, 60])
    return "xlsx", xlsx(rows), None


def many_parts(random):
    """Tens of thousands of sheets or slides."""
    if random.random() < 0.5:
        return "xlsx", xlsx('<row r="1"><c r="A1"><v>1</v></c></row>', sheets=20_000), ["too_many_parts", "timed_out"]
    return "pptx", pptx(["<a:p><a:r><a:t>x</a:t></a:r></a:p>"] * 6_000), ["too_many_parts"]


def wrong_references(random):
    """Strings, styles and formulas that point nowhere or at themselves."""
    cell = random.choice([
        '<c r="A1" t="s"><v>4294967295</v></c>', '<c r="A1" t="s"><v>-1</v></c>', '<c r="A1" s="99999"><v>1e308</v></c>',
        '<c r="A1"><f t="shared" si="0" ref="A1:XFD1048576">A1</f><v>NaN</v></c>', '<c r="A1" t="d"><v>9999-99-99</v></c>',
        '<c r="A1" t="b"><v>maybe</v></c>', '<c r="A1" t="e"><v>#WHAT</v></c>', '<c r="A1" t="zzz"><v>1</v></c>',
    ])
    return "xlsx", xlsx(f'<row r="1">{cell}</row>' * random.choice([1, 1000])), None


def encrypted_office(random):
    """Office documents with a password, and entries that say they are encrypted."""
    extension = random.choice(["docx", "xlsx", "pptx"])
    if random.random() < 0.6:
        name = "EncryptedPackage".encode("utf-16-le")
        body = random.randbytes(random.choice([512, 20_000]))
        return extension, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + body + name + random.randbytes(512), ["encrypted"]
    packed = deflated_run(b"secret", 1)
    return "docx", raw_archive([("word/document.xml", packed, 6, 1, None)]), ["encrypted"]


def rubbish_with_magic(random):
    magic = random.choice([b"PK\3\4", b"PK\5\6" + b"\0" * 18, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"])
    extension = random.choice(["docx", "xlsx", "pptx"])
    return extension, magic + random.randbytes(random.choice([10, 1000, 300_000])), None


def huge_table(random):
    """A Word table without end, or with a row without end."""
    cell = "<w:tc>" + paragraph("x" * 10) + "</w:tc>"
    if random.random() < 0.5:
        return "docx", docx("<w:tbl>" + f"<w:tr>{cell * 3}</w:tr>" * 100_000 + "</w:tbl>"), None
    return "docx", docx("<w:tbl><w:tr>" + cell * 300_000 + "</w:tr></w:tbl>"), None


def many_attributes(random):
    attributes = "".join(f' a{n}="{n}"' for n in range(100_000))
    return "docx", docx(f"<w:p{attributes}><w:r><w:t>x</w:t></w:r></w:p>"), None


def many_styles(random):
    styles = "".join(f'<w:style w:styleId="s{n}"><w:name w:val="heading 1"/></w:style>' for n in range(200_000))
    return "docx", archive([("word/document.xml", document(paragraph("x"))), ("word/styles.xml", f"<w:styles {WORD}>{styles}</w:styles>")]), ["too_large"]


MAKERS = [
    (16, zip_bomb), (8, shared_strings_bomb), (4, overlapping_entries), (3, nested_archives), (3, archive_within_itself),
    (5, names_that_lead_away), (4, relations_that_lead_away), (8, deep_office), (8, entities_in_office),
    (19, truncated_office), (22, damaged_office), (20, damaged_parts), (8, huge_sheet), (3, wide_sheet), (3, many_parts),
    (8, wrong_references), (8, encrypted_office), (10, rubbish_with_magic), (4, huge_table), (2, many_attributes),
    (1, many_styles),
]
