"""Every type of problem, with the page that documents it: the `type` of a problem is that page's address."""

import inspect
from dataclasses import dataclass

from sagas.api.problems import Problem


@dataclass(frozen=True, slots=True)
class ProblemType:
    """What all problems of one type have in common."""

    code: str
    title: str
    status: int
    explanation: str


_COMMON = (
    ProblemType(
        "malformed-request",
        "The request cannot be understood",
        400,
        "The request is not HTTP and JSON as this API expects them: UTF-8, valid JSON, no name twice in one object, no "
        "NaN, no number of more than 64 characters. Nothing was stored.",
    ),
    ProblemType(
        "validation-failed",
        "Fields of the request are not acceptable",
        400,
        "`errors` names each field and what is wrong with it. Nothing was stored, and the Idempotency-Key stays free: "
        "correct the fields and send the request again with the same key.",
    ),
    ProblemType(
        "not-authenticated",
        "A valid access token is needed",
        401,
        "Get a token from /oauth/token/ with your client id and secret (grant type client_credentials, and the scopes "
        "that you need), and send it as Authorization: Bearer. Tokens expire after five minutes. Nothing was stored.",
    ),
    ProblemType(
        "insufficient-scope",
        "The access token lacks a scope",
        403,
        "`required_scopes` names what is needed. Ask for it when you get a token; if your client may not have it, ask "
        "us. Nothing was stored.",
    ),
    ProblemType(
        "not-found", "Not found", 404, "It does not exist, or it belongs to another client, which looks the same."
    ),
    ProblemType(
        "method-not-allowed", "The method is not allowed here", 405, "The Allow header lists the methods that are."
    ),
    ProblemType(
        "not-acceptable", "No such representation", 406, "Answers are application/json; send Accept: application/json."
    ),
    ProblemType(
        "body-too-large", "The body is too large", 413, "Send less: the detail names the limit. Nothing was stored."
    ),
    ProblemType(
        "unsupported-media-type",
        "The body's media type is not supported",
        415,
        "Send JSON, with Content-Type: application/json. Nothing was stored.",
    ),
    ProblemType(
        "internal-error",
        "An error of ours",
        500,
        "Whether the request was accepted is not known. Repeat it with the same Idempotency-Key: if it was accepted, "
        "you get its answer and nothing happens twice.",
    ),
    ProblemType(
        "service-unavailable",
        "Temporarily unavailable",
        503,
        "Whether the request was accepted is not known. Repeat it after a moment with the same Idempotency-Key: if it "
        "was accepted, you get its answer and nothing happens twice.",
    ),
)


def catalogue() -> dict[str, ProblemType]:
    """All types by code: those of HTTP, and those that the apps' APIs declare as subclasses of `Problem`."""
    declared = (
        ProblemType(kind.code, kind.title, kind.status_code, inspect.getdoc(kind) or "")
        for kind in Problem.__subclasses__()
    )
    return {kind.code: kind for kind in (*_COMMON, *declared)}


def type_of(code: str) -> ProblemType:
    """The type with this code; raises KeyError for one that is not documented."""
    return catalogue()[code]
