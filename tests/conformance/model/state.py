"""What there is in an account, according to the model."""

import base64
import dataclasses
import hashlib
import json

from .words import ABSENT, LATEST, Revision, not_found


def sha256_of(code):
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


@dataclasses.dataclass
class Version:
    """Code and configuration: $LATEST, or a published one, which never changes."""
    number: str
    settings: dict
    code: bytes
    revision: Revision = dataclasses.field(default_factory=Revision)

    def sha256(self):
        return sha256_of(self.code)


@dataclasses.dataclass
class Alias:
    name: str
    version: str
    description: str
    weights: dict
    revision: Revision = dataclasses.field(default_factory=Revision)


@dataclasses.dataclass
class Policy:
    statements: dict = dataclasses.field(default_factory=dict)
    revision: Revision = dataclasses.field(default_factory=Revision)

    def document(self):
        return {"Version": "2012-10-17", "Id": "default", "Statement": list(self.statements.values())}

    def size(self):
        """Of the document as the service writes it, without spaces."""
        present = {**self.document(), "Statement": [{key: value for key, value in each.items() if value is not ABSENT}
                                                    for each in self.statements.values()]}
        return len(json.dumps(present, separators=(",", ":")))


@dataclasses.dataclass
class Function:
    name: str
    versions: dict
    aliases: dict = dataclasses.field(default_factory=dict)
    tags: dict = dataclasses.field(default_factory=dict)
    policies: dict = dataclasses.field(default_factory=dict)      # by qualifier; None is the function itself
    events: dict = dataclasses.field(default_factory=dict)        # by qualifier
    provisioned: dict = dataclasses.field(default_factory=dict)   # by qualifier
    managed: dict = dataclasses.field(default_factory=dict)       # how its runtime is updated, by qualifier
    recursion: str = "Terminate"
    reserved: int = None
    last_number: int = 0
    changed: bool = True                                          # since the last version was published

    @property
    def latest(self):
        return self.versions[LATEST]

    def learn_revisions_anew(self):
        """After an operation of which the description does not say whose revision it changes."""
        for holder in (*self.versions.values(), *self.aliases.values(), *self.policies.values()):
            holder.revision = Revision(older=holder.revision.older)

    def version_of(self, qualifier):
        """The version that a qualifier means."""
        if qualifier in self.aliases:
            return self.versions[self.aliases[qualifier].version]
        if qualifier in self.versions:
            return self.versions[qualifier]
        raise not_found(self.name, qualifier)


@dataclasses.dataclass
class LayerVersion:
    name: str
    number: int
    settings: dict
    code: bytes

    def sha256(self):
        return sha256_of(self.code)
