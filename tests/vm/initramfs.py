"""Writes an initramfs: a gzipped archive in the kernel's newc format, with no tool but Python."""

import gzip
import stat


class Initramfs:
    def __init__(self):
        self.entries = []  # name, mode, device (major, minor), content

    def folder(self, name, mode=0o755):
        self.entries.append((name, stat.S_IFDIR | mode, (0, 0), b""))

    def file(self, name, content, mode=0o755):
        self.entries.append((name, stat.S_IFREG | mode, (0, 0), content))

    def link(self, name, target):
        self.entries.append((name, stat.S_IFLNK | 0o777, (0, 0), target.encode()))

    def device(self, name, major, minor):
        self.entries.append((name, stat.S_IFCHR | 0o600, (major, minor), b""))

    def write(self, path):
        with gzip.open(path, "wb", compresslevel=1) as out:
            for inode, (name, mode, device, content) in enumerate(self.entries, 1):
                out.write(record(name, inode, mode, device, content))
            out.write(record("TRAILER!!!", 0, 0, (0, 0), b""))


def record(name, inode, mode, device, content):
    """One file: 13 fields of 8 hex digits, the name, the bytes, each part padded to 4."""
    encoded = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return padded(head) + padded(content)


def padded(data):
    return data + b"\0" * (-len(data) % 4)
