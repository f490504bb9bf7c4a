"""A model behind the Gemini API, through `google-genai`. Imports the SDK (most of a second)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal, cast

import httpx2
from google import genai
from google.genai import errors, types

from agor_jupyter.agents.base import SessionSpec
from agor_jupyter.agents.gemini_api import failures, probe, translate, web
from agor_jupyter.agents.workbench.failing import cut_off
from agor_jupyter.agents.workbench.model import Answer, Hosted, Offered, Request, Words
from agor_jupyter.agents.workbench.settings import Settings, check
from agor_jupyter.agents.workbench.tool import Tool
from agor_jupyter.domain.errors import AgentUnavailable

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 600.0
"""How long a model may think without a byte."""

PAGE_SIZE = 200


class GeminiSettings(Settings):
    web_search: Literal["disabled", "live"] = "disabled"


def make(spec: SessionSpec) -> GeminiModel:
    """Make the model of a conversation. Raises `AgentUnavailable` without a key."""
    settings = check(GeminiSettings, spec.options)
    key = probe.key_of(spec.environment)
    if not key:
        raise AgentUnavailable("There is no key for the Gemini API.", hint=probe.KEY_HINT)
    # A client of ours: else the SDK takes aiohttp where that is installed, which fails in other ways.
    http = httpx2.AsyncClient(timeout=httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS))
    client = genai.Client(
        vertexai=False,  # whatever the variables of this process say
        api_key=key,
        http_options=types.HttpOptions(
            base_url=settings.base_url or spec.environment.get("GOOGLE_GEMINI_BASE_URL") or None,
            retry_options=types.HttpRetryOptions(attempts=1),  # a turn tries again by itself, and says so
            httpx_async_client=http,
        ),
    )
    name = spec.model or (settings.models[0] if settings.models else probe.DEFAULT_MODEL)
    return GeminiModel(client, http, name, spec.effort, web_search=settings.web_search == "live")


class GeminiModel:
    """See `workbench.model.Model`."""

    def __init__(
        self, client: genai.Client, http: httpx2.AsyncClient, name: str, effort: str, *, web_search: bool
    ) -> None:
        self._web_search = web_search
        self._client = client
        self._http = http
        self.name = name
        self.effort = effort

    @property
    def version(self) -> str:
        return f"google-genai {probe.version()}"

    @property
    def efforts(self) -> tuple[str, ...]:
        return probe.EFFORTS

    @property
    def tools(self) -> Sequence[Tool]:
        return web.tools_of(self._look_up) if self._web_search else ()

    async def offered(self) -> Sequence[Offered]:
        try:
            page = await self._client.aio.models.list(config={"page_size": PAGE_SIZE})
        except errors.APIError as error:
            raise failures.of_status(error.code, error.message or "", error.details) from error
        except (httpx2.HTTPError, ValueError) as error:
            raise failures.unreachable() from error
        return translate.offered_of([_plain(item) for item in page.page])

    async def ask(self, request: Request) -> AsyncGenerator[Words | Hosted | Answer]:
        """Stream one answer. Raises `ModelFailed`."""
        gathered = translate.Gatherer()
        contents = translate.contents_of(request.entries)
        begun = False
        try:
            stream = await self._client.aio.models.generate_content_stream(
                model=self.name,
                contents=[types.Content.model_validate(item) for item in contents],
                config=self._config(request),
            )
            async with aclosing(cast(Any, stream)) as chunks:
                async for chunk in chunks:
                    begun = True
                    for words in gathered.feed(_plain(chunk)):
                        yield words
        except errors.APIError as error:
            raise failures.of_status(error.code, error.message or "", error.details) from error
        except httpx2.ConnectError as error:
            raise failures.unreachable() from error
        except httpx2.HTTPError as error:
            raise (cut_off() if begun else failures.unreachable()) from error
        yield gathered.answer()

    async def _look_up(self, prompt: str, builtin: web.Builtin) -> dict[str, Any]:
        """Ask with one of Google's own tools. Raises `ModelFailed`."""
        try:
            response = await self._client.aio.models.generate_content(
                model=self.name,
                contents=prompt,
                config=types.GenerateContentConfig(
                    tools=[types.Tool.model_validate({builtin: {}})],
                    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                ),
            )
        except errors.APIError as error:
            raise failures.of_status(error.code, error.message or "", error.details) from error
        except httpx2.HTTPError as error:
            raise failures.unreachable() from error
        return _plain(response)

    async def close(self) -> None:
        await self._client.aio.aclose()
        self._client.close()
        await self._http.aclose()

    def _config(self, request: Request) -> types.GenerateContentConfig:
        functions = [
            types.FunctionDeclaration(
                name=spec.name, description=spec.description, parameters_json_schema=dict(spec.parameters)
            )
            for spec in request.tools
        ]
        thinking = translate.thinking_of(self.name, self.effort)
        return types.GenerateContentConfig(
            system_instruction=request.system,
            tools=[types.Tool(function_declarations=functions)] if functions else None,
            # Else the SDK would call functions by itself, and nobody would have been asked.
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
            thinking_config=types.ThinkingConfig.model_validate(thinking) if thinking else None,
        )


def _plain(value: Any) -> dict[str, Any]:
    """Give an SDK's object as the API's own JSON; bytes (signatures) are base64 in it."""
    plain: dict[str, Any] = value.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"}
    )
    return plain
