"""Writes pain.001.001.09 documents: the same document always becomes the same bytes."""

from pyiso20022.pain.pain_001_001_09 import Document
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig

from payments.pain001.schema import NAMESPACE


def to_xml(document: Document) -> bytes:
    """UTF-8, indented by two spaces, one element per line, the message's namespace as the default one."""
    serializer = XmlSerializer(config=SerializerConfig(indent="  ", encoding="UTF-8", xml_declaration=True))
    return serializer.render(document, ns_map={None: NAMESPACE}).encode("utf-8")
