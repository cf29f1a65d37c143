"""Google Cloud Vision: one request of up to 16 images, errors classified per call and per image."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from exora.domain.capacity import Permit
from exora.errors import AnswerUnusable, KeyRefused, ProviderError, ProviderUnavailable, RateLimited, RequestRefused
from exora.providers.headers import processing_ms, retry_after_s
from exora.providers.trust import UNTRUSTED_REMEDY, trusting
from exora.providers.urls import checked_url

DEFAULT_URL = "https://vision.googleapis.com"
#: Limits of images:annotate as documented.
MAX_IMAGES = 16
MAX_REQUEST_BYTES = 10_000_000
#: Sixteen dense pages answer with a few megabytes each; what is longer, also when unpacked, is no answer.
MAX_ANSWER_BYTES = 128 * 1024 * 1024
_NAME = "google"
#: google.rpc.Code of a single image's error that another try may cure: deadline exceeded, resource exhausted, internal,
#: unavailable.
_TRANSIENT_CODES = frozenset({4, 8, 13, 14})


class Vision:
    """A client of one project. Calls run in threads of their own: the SDK's REST transport is blocking.

    Args:
        api_key: sent in a header, never in the URL, never logged.
        base_url: where the API is; None = Google's own. Regional: https://eu-vision.googleapis.com.
        timeout_s: for a whole call.
        threads: calls at once.
        ca_file: authorities to trust besides the system's, in PEM.

    Raises:
        ConfigurationError: documents may not be sent to this URL, or the file is of no use.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str | None = None,
        *,
        timeout_s: float = 60.0,
        threads: int = 32,
        ca_file: str | None = None,
    ) -> None:
        # The SDK takes a second and 50 MB to load, which only those who use it shall pay.
        from google.api_core.client_options import ClientOptions
        from google.cloud import vision

        url = checked_url(base_url or DEFAULT_URL, "GOOGLE_VISION_BASE_URL")
        endpoint = url if url.startswith("http://") else url.removeprefix("https://")
        self._vision = vision
        self._client = vision.ImageAnnotatorClient(
            client_options=ClientOptions(api_key=api_key, api_endpoint=endpoint), transport="rest"
        )
        self._seen = threading.local()
        # The SDK does not hand headers out; its session has hooks.
        session = self._client.transport._session  # type: ignore[attr-defined]
        session._max_refresh_attempts = 0  # a 401 is not worth a second call that nobody reserved
        session.hooks["response"].append(lambda response, **_: self._note(response))
        if ca_file is not None:
            session.mount("https://", _adapter(trusting(ca_file)))
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="exora-vision")

    async def annotate(self, permit: Permit, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]:
        """Recognize the text of images (DOCUMENT_TEXT_DETECTION).

        Args:
            permit: a reserved call.
            images: encoded pictures, at most ``MAX_IMAGES``, whose base64 stays below ``MAX_REQUEST_BYTES``.

        Returns:
            For each image its ``fullTextAnnotation`` as JSON names it (empty without text), or the error of that image.

        Raises:
            ProviderError: the whole call failed.
        """
        await permit.begin()
        loop = asyncio.get_running_loop()
        try:
            # The SDK's own timeout is for each read: an answer that drips would never end.
            async with asyncio.timeout(self._timeout_s + 1):
                answers, headers = await loop.run_in_executor(self._threads, self._call, list(images))
        except TimeoutError:
            raise ProviderUnavailable(_NAME, "no answer in time") from None
        permit.answered(processing_ms=processing_ms(headers))
        if isinstance(answers, ProviderError):
            raise answers
        permit.used(units=len(images))
        return answers

    async def close(self) -> None:
        """Close its connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.transport.close()  # type: ignore[no-untyped-call]

    def _note(self, response: Any) -> None:
        _read_bounded(response)
        self._seen.headers = {name.lower(): value for name, value in response.headers.items()}

    def _call(self, images: list[bytes]) -> tuple[list[dict[str, Any] | ProviderError] | ProviderError, dict[str, str]]:
        """One call, in a thread; errors are returned, since the headers that came with them matter too."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from google.protobuf.json_format import MessageToDict, ParseError  # type: ignore[import-untyped]
        from requests import RequestException
        from requests.exceptions import SSLError

        vision = self._vision
        self._seen.headers = {}
        feature = vision.Feature(type_=vision.Feature.Type.DOCUMENT_TEXT_DETECTION)
        requests = [vision.AnnotateImageRequest(image=vision.Image(content=i), features=[feature]) for i in images]
        try:
            batch = self._client.batch_annotate_images(requests=requests, retry=None, timeout=self._timeout_s)
            answers = [MessageToDict(answer._pb) for answer in batch.responses]
        except GoogleAPICallError as error:
            return _classified(error.code, error.reason, self._seen.headers), self._seen.headers
        except SSLError:
            return ProviderUnavailable(_NAME, "its certificate is not trusted", remedy=UNTRUSTED_REMEDY), {}
        except (RequestException, RetryError, GoogleAuthError, OSError):
            return ProviderUnavailable(_NAME, "the connection broke or no answer came in time"), {}
        except (ValueError, ParseError):  # a body that is not JSON, or not of the API's form
            return AnswerUnusable(_NAME, "the answer is not what the API promises"), self._seen.headers
        if len(answers) != len(images):
            return AnswerUnusable(_NAME, "the answer does not cover all images"), self._seen.headers
        return [_one(answer) for answer in answers], self._seen.headers


def _adapter(context: ssl.SSLContext) -> Any:
    """What ``requests`` connects with."""
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
            super().init_poolmanager(*arguments, **options, ssl_context=context)

    return Adapter()


def _read_bounded(response: Any) -> None:
    """Read a response before the SDK does, which would read any length."""
    size, parts = 0, []
    for part in response.iter_content(1 << 16):
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ValueError("the answer has no end")
        parts.append(part)
    response._content = b"".join(parts)


def _one(answer: dict[str, Any]) -> dict[str, Any] | ProviderError:
    """The annotation of one image, or its own error: a call that succeeds may hold some."""
    code = int(answer.get("error", {}).get("code", 0))
    if code in _TRANSIENT_CODES:
        return ProviderUnavailable(_NAME, f"it failed on one image (code {code})")
    if code:
        return RequestRefused(_NAME, f"it refused one image (code {code})", reason="bad_image")
    found: dict[str, Any] = answer.get("fullTextAnnotation", {})
    return found


def _classified(status: int | None, reason: str | None, headers: dict[str, str]) -> ProviderError:
    """An HTTP error as ours; its text is left behind."""
    if status == 429:
        return RateLimited(_NAME, "too many requests", retry_after_s=retry_after_s(headers))
    if status == 401 or reason == "API_KEY_INVALID":
        return KeyRefused(_NAME, f"the key was refused (HTTP {status})", kind="invalid_key")
    if status == 403:
        return KeyRefused(_NAME, "the key has no access to this API (HTTP 403)", kind="forbidden")
    if status is None or status >= 500 or status == 408:
        return ProviderUnavailable(_NAME, f"it failed (HTTP {status})")
    return RequestRefused(_NAME, f"it refused the request (HTTP {status})", reason="bad_request")
