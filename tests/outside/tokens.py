"""Tokens, as the mission's backends issue them; made by PyJWT, which nobody here wrote."""

import time
import uuid
from typing import Any

import jwt

SECRET = "a-secret-that-backend-and-gateway-share-0123456789"

# Stands in every token that is none, so that a log that shows one is found out (A7).
CANARY = "SECRETCANARY"

_minted: list[str] = []


def token(user: int | str, *, ttl: float = 3600, secret: str = SECRET, **claims: Any) -> str:
    """An access token. Claims given as `None` are left out."""
    now = time.time()
    said: dict[str, Any] = {
        "token_type": "access",
        "user_id": user,
        "iat": int(now),
        "exp": int(now + ttl),
        "jti": uuid.uuid4().hex,
    } | claims
    said = {name: value for name, value in said.items() if value is not None}
    minted = jwt.encode(said, secret, algorithm="HS256")
    _minted.append(minted)
    return minted


def leaked(text: str) -> list[str]:
    """What of all tokens of this run, and of its secrets, stands in a text."""
    secrets = [CANARY, SECRET]
    secrets += [part for it in _minted for part in it.split(".")[1:]]
    return [it for it in secrets if it in text]
