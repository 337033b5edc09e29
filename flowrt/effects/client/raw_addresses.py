"""Addresses of files as people see them on GitHub and GitLab, turned into those of the raw files.

Source: dsl.md, "Catalogs".
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_COMMIT = re.compile(r"[0-9a-f]{40}")
_GITLAB = re.compile(r"/-/(?:blob|tree)/")


def raw_addresses(url: str) -> tuple[str, ...]:
    """Where the raw file may be, to be tried in this order while the answer is 404; other URLs as they are.

    GitHub's pages do not tell a branch from a tag: branches come first, as the specification writes them.
    """
    parts = urlsplit(url)
    if parts.hostname in ("github.com", "www.github.com"):
        return tuple(
            urlunsplit((parts.scheme, "raw.githubusercontent.com", path, parts.query, ""))
            for path in _github(parts.path)
        ) or (url,)
    if _GITLAB.search(parts.path):
        return (urlunsplit(parts._replace(path=_GITLAB.sub("/-/raw/", parts.path, count=1))),)
    return (url,)


def _github(path: str) -> tuple[str, ...]:
    names = path.strip("/").split("/")
    if len(names) >= 5 and names[2] in ("tree", "blob", "raw"):
        owner, repository, _, ref, *rest = names
        if ref == "refs":
            return (f"/{owner}/{repository}/{'/'.join(names[3:])}",)
        file = "/".join(rest)
        if _COMMIT.fullmatch(ref) or ref == "HEAD":
            return (f"/{owner}/{repository}/{ref}/{file}",)
        return tuple(f"/{owner}/{repository}/refs/{kind}/{ref}/{file}" for kind in ("heads", "tags"))
    if len(names) >= 4 and names[2] == "functions":
        # A catalog given by its repository alone, as in the specification's example: its default branch.
        return (f"/{names[0]}/{names[1]}/HEAD/{'/'.join(names[2:])}",)
    return ()
