"""Tokens, good and forged. Each is remembered, to be searched for in all that is ever said (A7)."""

import base64
import json
import time

import jwt

from gate import OTHER_SECRET, SECRET

minted: set[str] = set()


def remember(token: str) -> str:
    minted.add(token)
    return token


def token(user="ann", ttl=600, secret=SECRET, headers=None, algorithm="HS256", **claims) -> str:
    """What the routes of these tests believe, unless `claims` spoil it; a claim of None is left out."""
    body = {"sub": user, "exp": int(time.time() + ttl), "token_type": "access", **claims}
    body = {name: value for name, value in body.items() if value is not None}
    return remember(jwt.encode(body, secret, algorithm, headers=headers))


def other(user="ann", **claims) -> str:
    """What the verifier `other` believes: another key, another audience, no type."""
    return token(user, **{"secret": OTHER_SECRET, "aud": "other", "token_type": None, **claims})


def b64(data) -> str:
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assembled(header, claims, signature=b"") -> str:
    """A token of any parts."""
    return remember(f"{b64(header)}.{b64(claims)}.{b64(signature)}")


def claims(user="ann", ttl=600, **more) -> dict:
    return {"sub": user, "exp": int(time.time() + ttl), "token_type": "access", **more}
