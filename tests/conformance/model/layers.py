"""Layers and their versions: immutable, numbered from 1, a number is never used twice."""

from .state import LayerVersion
from .words import ABSENT, OPEN, AnyOrder, Refused, layer_arn


class Layers:
    def layer_reply(self, layer):
        given = layer.settings
        return {"LayerVersionArn": layer_arn(layer.name, layer.number), "Version": layer.number,
                "Description": given.get("Description", ""), "CreatedDate": OPEN,
                "CompatibleRuntimes": given.get("CompatibleRuntimes") or ABSENT,
                "CompatibleArchitectures": given.get("CompatibleArchitectures") or ABSENT,
                "LicenseInfo": given.get("LicenseInfo") or ABSENT}

    def whole_layer_reply(self, layer):
        return {**self.layer_reply(layer), "LayerArn": layer_arn(layer.name),
                "Content": {"CodeSha256": layer.sha256(), "CodeSize": len(layer.code), "Location": OPEN}}

    def publish_layer_version(self, LayerName, Content, **settings):
        number = self.layer_numbers[LayerName] = self.layer_numbers.get(LayerName, 0) + 1
        layer = self.layers[LayerName, number] = LayerVersion(LayerName, number, settings, Content["ZipFile"])
        return self.whole_layer_reply(layer)

    def get_layer_version(self, LayerName, VersionNumber):
        if (LayerName, VersionNumber) not in self.layers:
            raise Refused("ResourceNotFoundException")
        return self.whole_layer_reply(self.layers[LayerName, VersionNumber])

    def get_layer_version_by_arn(self, Arn):
        name, _, number = Arn.rpartition(":")
        return self.get_layer_version(name.rpartition(":")[2], int(number))

    def delete_layer_version(self, LayerName, VersionNumber):
        """Functions that have it keep it."""
        self.layers.pop((LayerName, VersionNumber), None)
        return {}

    def versions_of_layer(self, name):
        return [layer for (of, _), layer in sorted(self.layers.items(), reverse=True) if of == name]

    def list_layer_versions(self, LayerName):
        return {"LayerVersions": AnyOrder([self.layer_reply(layer) for layer in self.versions_of_layer(LayerName)],
                                          "Version")}

    def list_layers(self, CompatibleRuntime=None):
        latest = {}
        for name in sorted({of for of, _ in self.layers}):
            matching = [layer for layer in self.versions_of_layer(name)
                        if not CompatibleRuntime or CompatibleRuntime in layer.settings.get("CompatibleRuntimes", ())]
            if matching:
                latest[name] = matching[0]
        return {"Layers": AnyOrder([{"LayerName": name, "LayerArn": layer_arn(name),
                                     "LatestMatchingVersion": self.layer_reply(layer)}
                                    for name, layer in latest.items()], "LayerName")}
