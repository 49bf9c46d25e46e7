"""Lambda's own description of its interface, as botocore ships it: requests of any operation as raw HTTP."""

import base64
import gzip
import json
import pathlib
import urllib.parse

# Newer than Debian's; scripts/setup --tests=2 puts it there.
FETCHED = pathlib.Path(__file__).parents[2] / ".cache" / "botocore" / "lambda-service-2.json.gz"
DEBIANS = pathlib.Path("/usr/lib/python3/dist-packages/botocore/data/lambda/2015-03-31/service-2.json")


class Service:
    def __init__(self, path):
        opened = gzip.open(path) if path.suffix == ".gz" else open(path, "rb")
        with opened as file:
            model = json.load(file)
        self.shapes, self.operations = model["shapes"], model["operations"]
        self.newest = path == FETCHED

    def shape(self, reference):
        return self.shapes[reference["shape"]]

    def input(self, operation):
        described = self.operations[operation]
        return self.shape(described["input"]) if "input" in described else {"members": {}}

    def request(self, operation, parameters):
        """(method, path with query, headers, body). Values go out as they are given, allowed or not."""
        described, shape = self.operations[operation]["http"], self.input(operation)
        path, query = described["requestUri"].partition("?")[::2]
        query = urllib.parse.parse_qsl(query)
        headers, body, raw = {}, {}, None
        for name, value in parameters.items():
            member = shape["members"].get(name, {})
            place, key = member.get("location"), member.get("locationName", name)
            if place == "uri":
                path = path.replace("{" + key + "}", urllib.parse.quote(text(value), safe=""))
            elif place == "querystring":
                query += [(key, text(each)) for each in (value if isinstance(value, list) else [value])]
            elif place == "header":
                headers[key] = text(value)
            elif name == shape.get("payload"):
                raw = value
            else:
                body[key] = value
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if "payload" not in shape and any("location" not in member for member in shape["members"].values()):
            headers["Content-Type"] = "application/json"
            raw = json.dumps(body, default=blob).encode()
        return described["method"], path, headers, raw


def text(value):
    return json.dumps(value) if isinstance(value, bool) else str(value)


def blob(value):
    """Bytes in JSON."""
    return base64.b64encode(value).decode()


def found():
    """The newest description that is here; None if there is none."""
    path = next((path for path in (FETCHED, DEBIANS) if path.exists()), None)
    return Service(path) if path else None
