"""Docker images: sees to it that an image is there, as the pull policy wants it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from flowrt.core.effect import Json
from flowrt.core.fault import Fault, Faulted
from flowrt.effects.container.docker_api import DockerApi
from flowrt.effects.container.settings import Login


class DockerImages:
    def __init__(self, api: DockerApi, logins: Mapping[str, Login]) -> None:
        self._api = api
        self._logins = logins

    async def have(self, image: str, policy: str) -> Json:
        """What the engine knows of the image, pulled if the policy says so."""
        found = None if policy == "always" else await self._look(image)
        if found is None and policy == "never":
            detail = f"image {image!r} is not there and pullPolicy is never; pull it, or let the policy pull it"
            raise Faulted(Fault.of("configuration", detail, status=404))
        if found is None:
            await self._pull(image)
            found = await self._look(image)
        if found is None:
            raise Faulted(Fault.of("communication", f"image {image!r} was pulled and is not there", status=404))
        return found

    async def _look(self, image: str) -> Json:
        answer = await self._api.call(
            "GET", f"/images/{quote(image, safe='/:@')}/json", f"look up image {image}", accept={404}
        )
        return None if answer.status_code == 404 else answer.json()

    async def _pull(self, image: str) -> None:
        name, tag = split(image)
        what = f"pull image {image}"
        headers = self._headers(name)
        wanted = {"fromImage": name, "tag": tag}
        async with self._api.stream("POST", "/images/create", what, params=wanted, headers=headers) as progress:
            # The answer is a success before the pull is: its lines tell.
            async for line in progress.aiter_lines():
                if line.strip() and "error" in (said := json.loads(line)):
                    raise Faulted(Fault.of("communication", f"could not {what}: {said['error']}"))

    def _headers(self, name: str) -> dict[str, str]:
        login = self._logins.get(registry(name))
        if login is None:
            return {}
        said = {"username": login.username, "password": login.password, "serveraddress": registry(name)}
        return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(said).encode()).decode()}


def split(image: str) -> tuple[str, str]:
    """Name and tag, or name and digest; without either the tag is `latest`, as without one all would be pulled."""
    name, at, digest = image.partition("@")
    if at:
        return name, digest
    name, colon, tag = image.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (image, "latest")


def registry(name: str) -> str:
    """The registry that stands in front of an image's name."""
    first, slash, _ = name.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
