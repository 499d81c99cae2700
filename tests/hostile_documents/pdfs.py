"""Hostile PDF: loops in what should be a tree, streams that unpack without end, fonts that lie."""

import zlib

BIG = ["too_large", "out_of_memory", "timed_out", "no_text"]
PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
FONT = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def stream(content, entries=""):
    content = content if isinstance(content, bytes) else content.encode("latin-1")
    return f"<< /Length {len(content)} {entries} >>\nstream\n".encode() + content + b"\nendstream"


def pdf(objects, trailer="", table=True):
    """A file of numbered objects; object 1 is the catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"), {}
    for number, body in objects.items():
        offsets[number] = len(out)
        body = body if isinstance(body, bytes) else body.encode("latin-1")
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    if table:
        out += b"xref\n"
        for number, offset in offsets.items():
            out += f"{number} 1\n{offset:010} 00000 n \n".encode()
    out += f"trailer\n<< /Size {max(offsets) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def objects(content="BT /F1 12 Tf 72 700 Td (Some words of text) Tj ET", **changed):
    """Those of a file with one page; `o3="…"` puts something else in the place of object 3."""
    known = {1: "<< /Type /Catalog /Pages 2 0 R >>", 2: "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", 3: PAGE, 4: FONT,
             5: stream(content)}
    known.update({int(name[1:]): body for name, body in changed.items()})
    return known


def good(random):
    lines = "".join(f"BT /F1 {random.choice([11, 11, 18])} Tf 72 {800 - 14 * n} Td (line {n} {random.random()}) Tj ET\n" for n in range(40))
    packed = zlib.compress(lines.encode())
    page = PAGE.replace("/Contents", "/Rotate 90 /Contents")
    return pdf(objects(o3=random.choice([PAGE, page]), o5=stream(packed, "/Filter /FlateDecode")))


def cyclic_pages(random):
    """Pages that are their own parents, children or siblings."""
    kids = random.choice(["[2 0 R]", "[2 0 R 2 0 R 3 0 R]", "[3 0 R] /Parent 2 0 R", "[6 0 R 3 0 R]", "2 0 R", "[" + "3 0 R " * 300_000 + "]"])
    extra = "<< /Type /Pages /Kids [2 0 R 6 0 R] /Count 99999999 >>"
    return "pdf", pdf(objects(o2=f"<< /Type /Pages /Kids {kids} /Count 2147483647 >>", o6=extra)), None


def deep_page_tree(random):
    depth = random.choice([1_000, 50_000])
    tree = {n: f"<< /Type /Pages /Kids [{n + 1} 0 R] /Count 1 >>" for n in range(10, 10 + depth)}
    tree[10 + depth] = PAGE
    return "pdf", pdf({**objects(o2="<< /Type /Pages /Kids [10 0 R] /Count 1 >>"), **tree}), None


def many_pages(random):
    """More pages than anybody reads."""
    kids = {n: PAGE for n in range(10, 10 + 40_000)}
    listed = " ".join(f"{n} 0 R" for n in kids)
    return "pdf", pdf({**objects(o2=f"<< /Type /Pages /Kids [{listed}] /Count 40000 >>"), **kids}), ["too_many_parts", "timed_out"]


def xref_loop(random):
    """Tables of contents that continue in themselves, or that are streams of themselves."""
    content = pdf(objects(), trailer=random.choice(["/Prev 20", "/XRefStm 20", "/Prev -1", "/Prev 99999999999"]))
    start = content.index(b"xref\n")
    return "pdf", content.replace(b"/Prev 20", b"/Prev %d" % start).replace(b"/XRefStm 20", b"/XRefStm %d" % start), None


def references_in_a_circle(random):
    """A length that is its own length, an object that is another that is the first."""
    kind = random.randrange(4)
    if kind == 0:
        return "pdf", pdf(objects(o5="<< /Length 5 0 R >>\nstream\nBT ET\nendstream")), None
    if kind == 1:
        return "pdf", pdf(objects(o4="6 0 R", o6="7 0 R", o7="4 0 R")), None
    if kind == 2:
        return "pdf", pdf(objects(o1="<< /Type /Catalog /Pages 1 0 R >>")), None
    return "pdf", pdf(objects(o5=stream(b"x", "/Filter 6 0 R /DecodeParms 6 0 R"), o6="[6 0 R 6 0 R]")), None


def object_stream_loop(random):
    """Objects that are packed in a stream that is packed in itself."""
    inner = stream(b"6 0 7 10 << /Type /Pages >> 6 0 R", "/Type /ObjStm /N 2 /First 9 /Extends 6 0 R")
    return "pdf", pdf(objects(o2="6 0 R", o6=inner), table=False), None


def packed_bomb(random):
    """Kilobytes that unpack to gigabytes, once or again and again."""
    packer = zlib.compressobj(9)
    unit = random.choice([b"\0", b" ", b"q ", b"(x) Tj ", b"[[", b"<<"])
    packed = b"".join([packer.compress(unit * (1 << 20) * 4) for _ in range(random.choice([20, 100]))]) + packer.flush()
    filters = "/FlateDecode"
    for _ in range(random.choice([0, 1, 2])):
        packed, filters = zlib.compress(packed, 9), filters + " /FlateDecode"
    return "pdf", pdf(objects(o5=stream(packed, f"/Filter [{filters}]"))), None


def predictor_lies(random):
    """Rows of an image that are as wide as the world."""
    parameters = f"/Predictor {random.choice([2, 10, 15, 99])} /Columns {random.choice([2147483647, 99999999, -1, 0])} /Colors {random.choice([4, 2147483647])} /BitsPerComponent {random.choice([1, 16, 64])}"
    return "pdf", pdf(objects(o5=stream(zlib.compress(b"BT /F1 12 Tf (x) Tj ET" * 100), f"/Filter /FlateDecode /DecodeParms << {parameters} >>"))), None


def other_filters(random):
    """Filters with rubbish, and chains of a thousand of them."""
    name = random.choice(["LZWDecode", "ASCII85Decode", "ASCIIHexDecode", "RunLengthDecode", "DCTDecode", "JPXDecode", "JBIG2Decode", "CCITTFaxDecode", "Crypt"])
    body = random.choice([random.randbytes(20_000), b"\x80" * 20_000, b"zzzzz" * 5_000 + b"~>", b"\x81A" * 30_000])
    return "pdf", pdf(objects(o5=stream(body, f"/Filter [{f'/{name} ' * random.choice([1, 1000])}]"))), None


def form_loops(random):
    """Forms that show themselves, and forms that show two forms each, thirty deep."""
    page = PAGE.replace("/Font", "/XObject << /A 10 0 R /B 10 0 R >> /Font")
    if random.random() < 0.4:
        loop = stream("/A Do /A Do (x) Tj", "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A 10 0 R >> >>")
        return "pdf", pdf(objects("/A Do", o3=page, o10=loop)), None
    forms = {n: stream("/A Do /B Do", f"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A {n + 1} 0 R /B {n + 1} 0 R >> >>")
             for n in range(10, 40)}
    forms[40] = stream("BT /F1 9 Tf (x) Tj ET", "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 4 0 R >> >>")
    return "pdf", pdf({**objects("/A Do", o3=page), **forms}), None


def deep_objects(random):
    """Arrays and dictionaries within each other, in the file or in what a page draws."""
    depth = random.choice([1_000, 200_000])
    opened = random.choice(["[", "<< /A ", "[ << /A "])
    if random.random() < 0.5:
        return "pdf", pdf(objects(opened * depth)), None
    return "pdf", pdf(objects(o4=opened * depth, o3=random.choice([PAGE, opened * depth]))), None


def strange_numbers(random):
    """Matrices, sizes and boxes that no arithmetic likes."""
    odd = ["1e999", "-0.0", "99999999999999999999999", "--5", "0", ".", "4294967296", "-2147483648", "0.0000000000000000001"]
    pick = lambda: random.choice(odd)
    content = "".join(f"q {pick()} {pick()} {pick()} {pick()} {pick()} {pick()} cm BT /F1 {pick()} Tf {pick()} Tz {pick()} Tc {pick()} {pick()} Td [(words) {pick()} (more)] TJ ET Q\n" for _ in range(300))
    page = PAGE.replace("[0 0 595 842]", f"[{pick()} {pick()} {pick()} {pick()}] /Rotate {pick()} /UserUnit {pick()}")
    return "pdf", pdf(objects(content, o3=page)), None


def unbalanced_states(random):
    count = random.choice([1_000, 2_000_000])
    return "pdf", pdf(objects(random.choice(["q " * count, "Q " * count, "BT " * count, "BI " * (count // 10), "/X BMC " * (count // 10)]) + "BT /F1 9 Tf (words here) Tj ET")), None


def character_maps(random):
    """Maps from codes to letters with four billion entries, or that begin with themselves."""
    body = random.choice([
        "1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange", "1 begincidrange <0000> <FFFF> 0 endcidrange " * 3_000,
        "/Self usecmap", "1 begincodespacerange <00> <FFFFFFFF> endcodespacerange", "100000000 beginbfchar <41> endbfchar",
        "1 beginbfrange <0000> <FFFF> [" + "<0041>" * 70_000 + "] endbfrange", "1 beginbfchar <41> <" + "0041" * 200_000 + "> endbfchar",
    ])
    font = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding 7 0 R /DescendantFonts [8 0 R] /ToUnicode 7 0 R >>"
    child = f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /W [{random.choice(['0 4294967295 1000', '0 [' + '1 ' * 500_000 + ']', '1 2'])}] /DW 1000 >>"
    cmap = stream(f"/CIDInit /ProcSet findresource begin begincmap {body} endcmap", "/Type /CMap /CMapName /Self /UseCMap 7 0 R")
    shown = "BT /F1 12 Tf 72 700 Td <" + "0041" * 500 + "> Tj ET"
    return "pdf", pdf(objects(shown, o4=font, o7=cmap, o8=child)), None


def broken_fonts(random):
    """Font programs of rubbish, and Type 3 glyphs that draw themselves."""
    magic, key, subtype = random.choice([(b"\0\1\0\0", "FontFile2", "TrueType"), (b"OTTO", "FontFile3", "TrueType"), (b"%!PS-AdobeFont", "FontFile", "Type1"),
                                         (b"\1\0\4\4", "FontFile3 7 0 R /X", "Type1"), (b"ttcf", "FontFile2", "TrueType")])
    if random.random() < 0.3:
        font = "<< /Type /Font /Subtype /Type3 /FontMatrix [1 0 0 1 0 0] /FontBBox [0 0 0 0] /FirstChar 0 /LastChar 255 /Widths [" + "1 " * 256 + "] /Encoding << /Differences [0 /a /a] >> /CharProcs << /a 5 0 R >> /Resources << /Font << /F1 4 0 R >> >> >>"
        return "pdf", pdf(objects(o4=font)), None
    font = f"<< /Type /Font /Subtype /{subtype} /BaseFont /X /FirstChar {random.choice([0, -5, 999999])} /LastChar {random.choice([255, 2147483647])} /Widths [500] /FontDescriptor 6 0 R >>"
    return "pdf", pdf(objects(o4=font, o6=f"<< /Type /FontDescriptor /FontName /X /Flags 4 /{key} 7 0 R >>", o7=stream(magic + random.randbytes(5_000)))), None


def encrypted_pdf(random):
    version, revision = random.choice([(1, 2), (2, 3), (4, 4), (5, 5), (5, 6)])
    key = random.randbytes(48 if version == 5 else 32).hex()
    more = f"/OE <{random.randbytes(32).hex()}> /UE <{random.randbytes(32).hex()}> /Perms <{random.randbytes(16).hex()}>" if version == 5 else ""
    filters = "/CF << /StdCF << /CFM /%s /Length 16 >> >> /StmF /StdCF /StrF /StdCF" % ("AESV3" if version == 5 else "AESV2") if version >= 4 else ""
    encrypt = f"/Encrypt << /Filter /Standard /V {version} /R {revision} /Length {256 if version == 5 else 128} /P -4 /O <{key}> /U <{key}> {more} {filters} >> /ID [<00> <00>]"
    return "pdf", pdf(objects(), trailer=encrypt), ["encrypted"]


def unknown_encryption(random):
    encrypt = random.choice(["/Filter /Nobody", "/Filter /Standard", "/Filter /Standard /V 99 /R 99", "/Filter /Standard /V 4 /R 4 /CF 9 0 R", "/Filter /Standard /V 2 /R 3 /Length 99999999 /O () /U () /P 0"])
    return "pdf", pdf(objects(), trailer=f"/Encrypt << {encrypt} >> /ID [<00> <00>]"), None


def truncated_pdf(random):
    content = good(random)
    return "pdf", content[:random.randrange(6, len(content))], None


def damaged_pdf(random):
    content = bytearray(good(random))
    for _ in range(random.choice([1, 10, 200])):
        content[random.randrange(8, len(content))] = random.choice([random.randrange(256), 0, 32, 40, 60])
    return "pdf", bytes(content), None


def shuffled_pdf(random):
    """The right words in the wrong order."""
    words = good(random).split(b" ")
    middle = words[2:-2]
    random.shuffle(middle)
    return "pdf", b" ".join(words[:2] + middle + words[-2:]), None


def rubbish_pdf(random):
    return "pdf", b"%PDF-1.7\n" + random.randbytes(random.choice([10, 5_000, 1_000_000])), ["damaged"]


def endless_text(random):
    """Pages that draw millions of letters."""
    packed = zlib.compress(("BT /F1 9 Tf 9 9 Td " + "(The same words again and again, more than anybody reads. ) Tj " * 40_000).encode(), 9)
    pages = {n: PAGE for n in range(10, 10 + random.choice([1, 60]))}
    listed = " ".join(f"{n} 0 R" for n in pages)
    return "pdf", pdf({**objects(o2=f"<< /Type /Pages /Kids [{listed}] /Count 1 >>", o5=stream(packed, "/Filter /FlateDecode")), **pages}), None


MAKERS = [
    (8, cyclic_pages), (3, deep_page_tree), (2, many_pages), (5, xref_loop), (6, references_in_a_circle),
    (3, object_stream_loop), (12, packed_bomb), (6, predictor_lies), (10, other_filters), (6, form_loops), (8, deep_objects),
    (8, strange_numbers), (5, unbalanced_states), (10, character_maps), (12, broken_fonts), (8, encrypted_pdf),
    (5, unknown_encryption), (20, truncated_pdf), (25, damaged_pdf), (10, shuffled_pdf), (8, rubbish_pdf), (3, endless_text),
]
