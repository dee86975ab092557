"""A PDF/A-2b file that is written page by page, so that memory does not grow with the number of pages.

reportlab lays the pages out; it would keep all of them until the end, so finished objects are taken from it and written
as soon as their page is done. What makes the file PDF/A (ISO 19005-2) is added at the end: the sRGB output intent, the
XMP metadata, and no font that is not embedded.
"""

from __future__ import annotations

import os
from html import escape
from typing import Any, BinaryIO

from core.reports.text import REGULAR, font

SPACE = "sRGB IEC61966-2.1"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<xmp:CreateDate>{date}</xmp:CreateDate><xmp:ModifyDate>{date}</xmp:ModifyDate>
<xmp:CreatorTool>{creator}</xmp:CreatorTool><pdf:Producer>{producer}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


class PdfFile:
    """A PDF under construction.

    Attributes:
        canvas: reportlab's canvas of the current page.
        facts: further entries of the document information, by key; to be set before it is closed.

    Args:
        file: where it is written.
        size: width and height of a page, in points.
        title: the document's title.
        author: who made it.
        subject: what it is about.
        creator: the program.
    """

    def __init__(
        self, file: BinaryIO, size: tuple[float, float], title: str, author: str, subject: str, creator: str
    ) -> None:
        from reportlab import rl_config
        from reportlab.pdfbase import pdfdoc
        from reportlab.pdfgen.canvas import Canvas

        rl_config.useA85 = 0  # streams as bytes; base 85 would make them a quarter larger
        font(REGULAR)
        self.canvas: Any = Canvas(
            os.devnull, pagesize=size, pageCompression=1, initialFontName=REGULAR, pdfVersion=(1, 7), lang="en"
        )
        self._document: Any = self.canvas._doc
        self.facts: dict[str, str] = {}
        self._file = file
        self._written: set[int] = set()
        self._offset = 0
        info = self._document.info
        info.title, info.author, info.subject, info.creator = title, author, subject, creator
        info.producer, info.trapped = f"{creator}, reportlab", "False"
        self._document.updateSignature(os.urandom(16))
        self._put(pdfdoc.PDFFile((1, 7)).format(self._document))

    def end_page(self) -> None:
        """Finish the current page and write it."""
        from reportlab.pdfbase.pdfdoc import PDFImageXObject, PDFPage, PDFStream

        self.canvas.showPage()
        pages = self._document.Pages.pages
        pages[-1] = self._document.Reference(pages[-1])
        self._write((PDFImageXObject, PDFPage, PDFStream))

    def move_to_front(self, pages: int, prefix: str) -> None:
        """Let the last pages, and the outline's last entry, which is theirs, come first; they are numbered apart.

        Args:
            pages: how many.
            prefix: stands before their numbers where a viewer names them.
        """
        document = self._document
        for found, count in ((document.Pages.pages, pages), (document.Outlines.levelstack[0], 1)):
            found[:] = found[-count:] + found[:-count]
        self.canvas.addPageLabel(0, "ARABIC", 1, prefix)
        self.canvas.addPageLabel(pages, "ARABIC", 1)

    def close(self) -> None:
        """Write what the pages have in common, and the table of contents of the file."""
        from reportlab.pdfbase.pdfdoc import PDFCrossReferenceTable, PDFObject, PDFTrailer

        document = self._document
        for used in document.delayedFonts:
            used.addObjects(document)
        document.info.digest(document.signature)
        if self.facts:
            self._add_facts()
        self._add_archive_parts()
        root, info = document.Reference(document.Catalog), document.Reference(document.info)
        document.Outlines.prepare(document, self.canvas)
        if document.Outlines.ready < 0:
            document.Catalog.Outlines = None
        self._write((object, PDFObject))
        table = PDFCrossReferenceTable()
        table.addsection(0, [document.numberToId[number] for number in sorted(self._written)])
        start = self._offset
        self._put(table.format(document))
        trailer = PDFTrailer(startxref=start, Size=len(self._written) + 1, Root=root, Info=info, ID=document.ID())
        self._put(trailer.format(document))

    def discard(self) -> None:
        """Let the fonts forget a document that will not be finished."""
        for used in self._document.delayedFonts:
            used.state.pop(self._document, None)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)

    def _write(self, kinds: tuple[type, ...]) -> None:
        """Write the objects of these kinds that have not been; writing one may bring others into being."""
        from reportlab.pdfbase.pdfdoc import PDFImageXObject, PDFIndirectObject

        document = self._document
        seen = -1
        while seen != len(document.numberToId):
            seen = len(document.numberToId)
            for number, name in list(document.numberToId.items()):
                found = document.idToObject[name]
                if number in self._written or not isinstance(found, kinds):
                    continue
                data = PDFIndirectObject(name, found).format(document)
                document.idToOffset[name] = self._offset
                self._put(data)
                self._written.add(number)
                if isinstance(found, PDFImageXObject):
                    found.streamContent = b""  # its size is asked for again where the same picture comes twice
                else:
                    document.idToObject[name] = None

    def _add_facts(self) -> None:
        """Add the further entries to the document information, which reportlab formats with its own only."""
        from reportlab.pdfbase.pdfdoc import PDFString

        own = self._document.info.format

        def format_all(document: Any) -> bytes:  # noqa: ANN401 - reportlab's document
            more = b"".join(b"\n/%s %s" % (k.encode(), PDFString(v).format(document)) for k, v in self.facts.items())
            head, end, _rest = own(document).rpartition(b">>")
            return bytes(head + more + b"\n" + end)

        self._document.info.format = format_all

    def _add_archive_parts(self) -> None:
        from PIL import ImageCms
        from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString, PDFZCompress

        document, info = self._document, self._document.info
        stamp = document._timeStamp
        zone = f"{stamp.dhh:+03d}:{stamp.dmm:02d}"
        date = "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}".format(*stamp.YMDhms) + zone
        fields = {name: escape(getattr(info, name)) for name in ("title", "author", "subject", "creator", "producer")}
        metadata = PDFStream(content=_XMP.format(**fields, date=date).encode())
        metadata.dictionary["Type"], metadata.dictionary["Subtype"] = PDFName("Metadata"), PDFName("XML")
        profile = PDFStream(
            content=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), filters=[PDFZCompress]
        )
        profile.dictionary["N"] = 3
        intent = PDFDictionary({
            "Type": PDFName("OutputIntent"), "S": PDFName("GTS_PDFA1"), "Info": PDFString(SPACE),
            "OutputConditionIdentifier": PDFString(SPACE), "DestOutputProfile": document.Reference(profile),
        })  # fmt: skip
        catalog = document.Catalog
        catalog.__NoDefault__ = [*catalog.__NoDefault__, "OutputIntents"]
        catalog.Metadata, catalog.OutputIntents = metadata, PDFArray([intent])
