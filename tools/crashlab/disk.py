"""A model of what a disk may hold after the power went: what was synced is there, what was not may be.

Sectors of 512 bytes are written whole or not at all. Names in a folder become durable when the folder or the file
itself is synced, in the order in which they were made, as a journalling file system does it.
"""

SECTOR = 512


class Inode:
    def __init__(self):
        self.durable = bytearray()
        self.pending = []

    def contents(self, keep):
        """`keep(operation)` says what of an un-synced operation reached the disk: a list of operations."""
        data = bytearray(self.durable)
        for operation in self.pending:
            for part in keep(operation):
                apply(data, part)
        return data


def apply(data, operation):
    offset, change = operation
    if change is None:  # the file gets this size
        del data[offset:]
        data.extend(bytes(offset - len(data)))
    else:
        data.extend(bytes(max(0, offset - len(data))))
        data[offset:offset + len(change)] = change


class Disk:
    """The files of one folder, by name."""

    def __init__(self):
        self.names = {}
        self.durable_names = {}
        self.pending_names = []  # (name, inode or None), in order

    def create(self, name):
        if name not in self.names:
            self._name(name, Inode())

    def unlink(self, name):
        if name in self.names:
            self._name(name, None)

    def _name(self, name, inode):
        self._set(self.names, name, inode)
        self.pending_names.append((name, inode))

    @staticmethod
    def _set(names, name, inode):
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode

    def write(self, name, offset, data):
        self.names[name].pending.append((offset, bytes(data)))

    def truncate(self, name, size):
        self.names[name].pending.append((size, None))

    def begin_sync(self, name):
        """What a sync that starts now will cover: pass it to `end_sync`."""
        inode = self.names.get(name)
        return inode, len(inode.pending) if inode else 0

    def end_sync(self, covered):
        inode, count = covered
        if inode is None:
            return
        for operation in inode.pending[:count]:
            apply(inode.durable, operation)
        del inode.pending[:count]
        for index, (_, linked) in enumerate(self.pending_names):
            if linked is inode:
                self.sync_names(index + 1)
                break

    def sync_names(self, count=None):
        for name, inode in self.pending_names[:count]:
            self._set(self.durable_names, name, inode)
        del self.pending_names[:count]

    def image(self, kind, chance):
        """Files by name: `dropped` keeps nothing un-synced, `kept` everything, `torn` a random part."""
        names = dict(self.durable_names)
        known = {"dropped": 0, "kept": len(self.pending_names)}
        for name, inode in self.pending_names[:known.get(kind, chance.randint(0, len(self.pending_names)))]:
            self._set(names, name, inode)

        def keep(operation):
            if kind == "dropped":
                return []
            if kind == "kept":
                return [operation]
            offset, data = operation
            if data is None:
                return [operation] if chance.random() < 0.5 else []
            return [(offset + at, data[at:at + SECTOR]) for at in range(0, len(data), SECTOR) if chance.random() < 0.5]

        return {name: inode.contents(keep) for name, inode in names.items()}
