"""Packages whose function says which of them it is, so that a reply shows which code ran."""

import functools
import io
import zipfile

import fixture

BOOTSTRAP = """#!/bin/sh
# {mark}
next=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while id=$(curl -sSf -o /tmp/event -w '%header{{lambda-runtime-aws-request-id}}' "$next/next"); do
  curl -sSf -o /tmp/told "$next/$id/response" \\
    -d "{{\\"mark\\":\\"{mark}\\",\\"version\\":\\"$AWS_LAMBDA_FUNCTION_VERSION\\"}}"
done
"""


@functools.cache
def marked(mark):
    """A package for `provided` that answers {"mark": mark, "version": its own}."""
    return fixture.zip_of({"bootstrap": BOOTSTRAP.format(mark=mark)})


def mark_of(package):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        name = archive.namelist()[0]
        return archive.read(name).decode().splitlines()[1 if name == "bootstrap" else 0].removeprefix("# ")


@functools.cache
def layer(text):
    """A package that is only content for /opt."""
    return fixture.zip_of({"said": text})
