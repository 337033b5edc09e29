"""Digest authentication against a server that checks every member of the answer itself."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass, field

import pytest

from flowrt.core.effect import Outcome
from flowrt.core.fault import PREFIX
from flowrt.effects.auth import digest as digest_module
from flowrt.effects.auth.challenge import challenges
from tests.effects.auth.conftest import CallWith, FaultWith
from tests.effects.http.local_web import Answer, Asked, Web, answer

POLICY = {"digest": {"username": "Mufasa", "password": 'Circle "of" Life'}}


@dataclass
class DigestServer:
    """Challenges with `algorithm` and `qop`, and accepts each count of a nonce once."""

    algorithm: str | None = "MD5"
    qop: str | None = "auth"
    userhash: bool = False
    nonce: str = "n-1"
    stale: bool = False
    next_nonce: str | None = None
    seen: set[tuple[str, str]] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        given = challenges([asked.header("authorization") or ""], "Digest")
        if not given or given[0]["nonce"] != self.nonce:
            return self.challenge(stale=bool(given))
        wrong = self._wrong(asked, given[0])
        if wrong:
            self.faults.append(wrong)
            return self.challenge()
        more = {"Authentication_Info": f'nextnonce="{self.next_nonce}"'} if self.next_nonce else {}
        if self.next_nonce:
            self.nonce, self.next_nonce = self.next_nonce, None
        return answer(200, "in", **more)

    def challenge(self, *, stale: bool = False) -> Answer:
        members = {"realm": '"the \\"realm\\""', "nonce": f'"{self.nonce}"', "opaque": '"o,p"'}
        members |= {"algorithm": self.algorithm} if self.algorithm else {}
        members |= {"qop": f'"{self.qop}"'} if self.qop else {}
        members |= {"userhash": "true"} if self.userhash else {}
        members |= {"stale": "true"} if stale else {}
        line = "Digest " + ", ".join(f"{name}={value}" for name, value in members.items())
        return answer(401, "who?", WWW_Authenticate=f'Basic realm="b", {line}')

    def _wrong(self, asked: Asked, given: dict[str, str]) -> str | None:
        name = (self.algorithm or "MD5").upper()
        function = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}[name.removesuffix("-SESS")]

        def h(text: bytes | str) -> str:
            data = text if isinstance(text, bytes) else text.encode()
            return hashlib.new(function, data).hexdigest()

        realm, user, password = 'the "realm"', POLICY["digest"]["username"], POLICY["digest"]["password"]
        first = h(f"{user}:{realm}:{password}")
        if name.endswith("-SESS"):
            first = h(f"{first}:{self.nonce}:{given['cnonce']}")
        second = f"{asked.method}:{asked.target}" + (f":{h(asked.body)}" if given.get("qop") == "auth-int" else "")
        middle = ":".join(given[each] for each in ("nc", "cnonce", "qop")) if self.qop else None
        expected = h(":".join(part for part in (first, self.nonce, middle, h(second)) if part))
        if given["response"] != expected:
            return "response"
        if given["username"] != (h(f"{user}:{realm}") if self.userhash else user):
            return "username"
        if (given["realm"], given["uri"], given["opaque"]) != (realm, asked.target, "o,p"):
            return "realm, uri or opaque"
        if self.qop and given["qop"] not in re.split(", *", self.qop):
            return "qop"
        count = (given["nonce"], given.get("nc", ""))
        if self.qop and count in self.seen:
            return "replay"
        self.seen.add(count)
        return None


@pytest.mark.parametrize("algorithm", [None, "MD5", "md5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256"])
@pytest.mark.parametrize("qop", [None, "auth", "auth-int", "auth,auth-int"])
async def test_algorithms_and_protections(web: Web, call: CallWith, algorithm: str | None, qop: str | None) -> None:
    web.on["/x y"] = web.on["/x%20y"] = server = DigestServer(algorithm, qop)
    for body in ({"n": 1}, {"n": 2}):
        outcome = await call(POLICY, "post", "/x y?a=b&c=ä", body=body)
        assert outcome.output == "in"
    assert server.faults == []
    assert len(web.asked) == 3
    assert outcome.authorization is not None
    assert outcome.authorization["scheme"] == "Digest"


async def test_user_hash(web: Web, call: CallWith) -> None:
    web.on["/x"] = server = DigestServer("SHA-256", userhash=True)
    assert (await call(POLICY)).output == "in"
    assert "Mufasa" not in (web.asked[-1].header("authorization") or "")
    assert server.faults == []


async def test_the_example_of_rfc_7616(web: Web, call: CallWith, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_module.secrets, "token_hex", lambda _: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    weak, strong = (answer(401, WWW_Authenticate=challenge.format(name)) for name in ("MD5", "SHA-256"))
    both = Answer(401, b"", [*weak.headers, *strong.headers])
    policy = {"digest": {"username": "Mufasa", "password": "Circle of Life"}}
    for reply, expected in (
        (weak, "8ca523f5e9506fed4657c9700eebdbec"),
        (both, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        other = policy | {"digest": policy["digest"] | {"note": expected}}
        replies = iter([reply, answer(200)])
        web.on["/dir/index.html"] = lambda _, replies=replies: next(replies)
        await call(other, path="/dir/index.html")
        assert f'response="{expected}"' in (web.asked[-1].header("authorization") or "")


async def test_one_challenge_serves_many_calls(web: Web, call: CallWith) -> None:
    web.on["/x"] = server = DigestServer()
    await call(POLICY)
    await asyncio.gather(*(call(POLICY) for _ in range(10)))
    assert len(web.asked) == 12
    assert server.faults == []


async def test_many_first_calls_at_once(web: Web, call: CallWith) -> None:
    web.on["/x"] = server = DigestServer()
    outcomes: list[Outcome] = await asyncio.gather(*(call(POLICY) for _ in range(10)))
    assert [outcome.output for outcome in outcomes] == ["in"] * 10
    assert server.faults == []


async def test_a_stale_nonce_is_replaced(web: Web, call: CallWith) -> None:
    web.on["/x"] = server = DigestServer()
    await call(POLICY)
    server.nonce = "n-2"
    assert (await call(POLICY)).output == "in"
    assert (len(web.asked), server.faults) == (4, [])


async def test_the_next_nonce_is_used(web: Web, call: CallWith) -> None:
    web.on["/x"] = server = DigestServer(next_nonce="n-2")
    await call(POLICY)
    await call(POLICY)
    assert (len(web.asked), server.faults) == (3, [])
    assert "nc=00000001" in (web.asked[-1].header("authorization") or "")


async def test_a_wrong_password_is_refused_once(web: Web, fault: FaultWith) -> None:
    web.on["/x"] = DigestServer()
    refused = await fault({"digest": {"username": "Mufasa", "password": "hakuna"}})
    assert (refused.type, refused.status) == (PREFIX + "communication", 401)
    assert len(web.asked) == 2


@pytest.mark.parametrize(
    "challenge",
    [
        'Basic realm="x"',
        'Digest realm="r", nonce="n", algorithm=SHA-1',
        'Digest realm="r", nonce="n", qop="magic"',
        'Digest realm="r"',
        "Digest",
    ],
)
async def test_challenges_that_we_cannot_answer(web: Web, fault: FaultWith, challenge: str) -> None:
    web.on["/x"] = answer(401, WWW_Authenticate=challenge)
    assert (await fault(POLICY)).status == 401
    assert len(web.asked) == 1


def test_challenges_share_a_header() -> None:
    line = 'Negotiate, Digest realm="a, \\"b\\"", nonce = n , Bearer realm="c", DIGEST qop="auth,auth-int",stale=TRUE'
    assert challenges([line], "digest") == [
        {"realm": 'a, "b"', "nonce": "n"},
        {"qop": "auth,auth-int", "stale": "TRUE"},
    ]
    assert challenges(["Bearer"], "Digest") == []
