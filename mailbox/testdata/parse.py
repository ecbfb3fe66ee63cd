"""Reads a mail on standard input and prints what Python's email package makes of it, as JSON."""

import email.policy
import hashlib
import json
import sys


def outline(part):
    """A part as a tree: its type, name, disposition, content id and content."""
    tree = {"type": part.get_content_type()}
    if part.is_multipart():
        tree["parts"] = [outline(p) for p in part.iter_parts()]
        return tree
    tree["name"] = part.get_filename() or ""
    tree["disposition"] = part.get_content_disposition() or ""
    tree["id"] = part["Content-ID"] or ""
    content = part.get_payload(decode=True)
    if not tree["disposition"]:
        tree["text"] = part.get_content()
    else:
        tree["sha256"] = hashlib.sha256(content).hexdigest()
    return tree


def defects(part):
    found = [repr(d) for d in part.defects]
    for value in part.values():
        found += [repr(d) for d in value.defects]
    for p in part.iter_parts() if part.is_multipart() else ():
        found += defects(p)
    return found


mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
addresses = {
    field: [[a.display_name, a.addr_spec] for a in mail[field].addresses] if mail[field] else []
    for field in ("From", "To", "Cc", "Bcc")
}
json.dump(
    {
        "fields": sorted(mail.keys()),
        "addresses": addresses,
        "subject": str(mail["Subject"]),
        "inReplyTo": str(mail["In-Reply-To"] or ""),
        "references": str(mail["References"] or "").split(),
        "tree": outline(mail),
        "defects": defects(mail),
    },
    sys.stdout,
)
