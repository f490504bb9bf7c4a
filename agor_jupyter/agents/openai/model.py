"""A model behind the OpenAI API, through the model classes of `openai-agents`. Imports the SDK (seconds).

Of the SDK the models are used, which stream both APIs in one dialect; not its `Runner`: a turn here
writes each step down before it acts, tries again with a notice, and asks people through the runner.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal, cast

import agents
import httpx2
import openai
from agents import ModelSettings, ModelTracing, OpenAIChatCompletionsModel, OpenAIResponsesModel
from agents.exceptions import AgentsException
from agents.models.default_models import get_default_model
from agents.models.interface import Model as SdkModel
from openai.types.shared import Reasoning

from agor_jupyter.agents.base import SessionSpec, ToolSpec
from agor_jupyter.agents.openai import failures, probe, searches, translate
from agor_jupyter.agents.workbench.failing import ModelFailed, cut_off
from agor_jupyter.agents.workbench.model import Answer, Hosted, Offered, Request, Words
from agor_jupyter.agents.workbench.settings import Settings, check
from agor_jupyter.agents.workbench.tool import Tool
from agor_jupyter.domain.errors import AgentUnavailable, Unprocessable

CONNECT_SECONDS = 15.0
SILENCE_SECONDS = 600.0
"""How long a model may think without a byte."""

ENDS = frozenset({"response.completed", "response.incomplete"})
FAILS = frozenset({"response.failed", "error", "response.error"})


class OpenAiSettings(Settings):
    api: Literal["auto", "responses", "chat_completions"] = "auto"
    web_search: Literal["disabled", "cached", "live"] = "disabled"


def make(spec: SessionSpec) -> OpenAiModel:
    """Make the model of a conversation. Raises `AgentUnavailable` without a key."""
    # Before anything else of the SDK: it posts what it traced to OpenAI, whatever the base URL is.
    agents.set_tracing_disabled(True)
    # What it logs may hold words of the conversation; failures are told as the turn's end.
    logging.getLogger("openai.agents").setLevel(logging.CRITICAL)
    settings = check(OpenAiSettings, spec.options)
    base_url = settings.base_url or spec.environment.get("OPENAI_BASE_URL") or probe.OFFICIAL_URL
    official = probe.is_official(base_url)
    key = spec.environment.get("OPENAI_API_KEY", "")
    if not key and official:
        raise AgentUnavailable("There is no key for the OpenAI API.", hint=probe.KEY_HINT)
    client = openai.AsyncOpenAI(
        # A server of one's own often wants no key; the SDK wants a word in its place.
        api_key=key or "no-key",
        base_url=base_url,
        organization=spec.environment.get("OPENAI_ORG_ID"),
        project=spec.environment.get("OPENAI_PROJECT_ID"),
        max_retries=0,  # a turn tries again by itself, and says so
        timeout=openai.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
    )
    responses = settings.api == "responses" or (settings.api == "auto" and official)
    if settings.web_search != "disabled" and not responses:
        raise Unprocessable(
            "Only the Responses API searches the web, and this session speaks chat completions.",
            hint="Set the session's option `api` to `responses`, if the server has it; else leave out "
            "`web_search` and bring an MCP server that searches.",
        )
    model = spec.model or (settings.models[0] if settings.models else "")
    if not model and official:
        model = get_default_model()
    return OpenAiModel(client, model, spec.effort, settings, responses=responses, official=official)


class OpenAiModel:
    """See `workbench.model.Model`."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        name: str,
        effort: str,
        settings: OpenAiSettings,
        *,
        responses: bool,
        official: bool,
    ) -> None:
        self._web_search = settings.web_search
        self._client = client
        self._responses = responses
        self._official = official
        self.name = name
        self.effort = effort

    @property
    def version(self) -> str:
        return f"openai-agents {probe.version()}"

    @property
    def efforts(self) -> tuple[str, ...]:
        return probe.EFFORTS

    @property
    def tools(self) -> Sequence[Tool]:
        return ()

    async def offered(self) -> Sequence[Offered]:
        try:
            page = await self._client.models.list()
        except openai.APIStatusError as error:
            raise self._status(error) from error
        except (openai.APIError, ValueError) as error:
            raise failures.unreachable(str(self._client.base_url)) from error
        listed = [item.model_dump() for item in page.data or ()]
        return translate.offered_of(listed, official=self._official)

    async def ask(self, request: Request) -> AsyncGenerator[Words | Hosted | Answer]:
        """Stream one answer. Raises `ModelFailed`."""
        if not self.name:
            raise ModelFailed(
                "No model is chosen, and the server did not say which it has.",
                "Choose a model for this session, then send the prompt again.",
            )
        begun = False
        try:
            async with aclosing(self._events(request)) as events:
                async for event in events:
                    begun = True
                    kind = event["type"]
                    if (words := translate.words_of(event)) is not None:
                        yield words
                    elif (call := searches.call_of(event)) is not None:
                        yield call
                    elif kind in ENDS:
                        if (cited := searches.cited(event["response"])) is not None:
                            yield cited
                        yield translate.answer_of(event["response"])
                        return
                    elif kind in FAILS:
                        raise _failed(event)
        except openai.APIStatusError as error:
            raise self._status(error) from error
        except (httpx2.HTTPError, openai.APIError) as error:
            raise (cut_off() if begun else failures.unreachable(str(self._client.base_url))) from error
        except (AgentsException, openai.OpenAIError) as error:
            raise failures.odd(str(error)) from error

    async def close(self) -> None:
        await self._client.close()

    async def _events(self, request: Request) -> AsyncGenerator[dict[str, Any]]:
        stream = self._model().stream_response(
            request.system,
            cast(Any, translate.items_of(request.entries, responses=self._responses)),
            self._settings(),
            self._tools(request),
            None,
            [],
            ModelTracing.DISABLED,
            previous_response_id=None,
            conversation_id=None,
            prompt=None,
        )
        async with aclosing(cast(Any, stream)) as events:
            async for event in events:
                yield event.model_dump(mode="json", exclude_none=True, warnings=False)

    def _model(self) -> SdkModel:
        if self._responses:
            return OpenAIResponsesModel(self.name, self._client)
        return OpenAIChatCompletionsModel(self.name, self._client)

    def _tools(self, request: Request) -> list[agents.Tool]:
        """A request without tools (a summary) does not search either."""
        offered: list[agents.Tool] = [_tool(spec) for spec in request.tools]
        if offered and self._web_search != "disabled":
            offered.append(agents.WebSearchTool(external_web_access=self._web_search == "live"))
        return offered

    def _settings(self) -> ModelSettings:
        effort = cast(Any, self.effort or None)
        if not self._responses:
            reasoning = Reasoning(effort=effort) if effort else None
            return ModelSettings(include_usage=True, reasoning=reasoning)
        found: list[Any] = [searches.SOURCES] if self._web_search != "disabled" else []
        if not effort and not (self._official and translate.reasons(self.name)):
            return ModelSettings(store=False, response_include=found or None)
        return ModelSettings(
            store=False,
            reasoning=Reasoning(effort=effort, summary="auto"),
            response_include=["reasoning.encrypted_content", *found],
        )

    def _status(self, error: openai.APIStatusError) -> ModelFailed:
        body = error.body if isinstance(error.body, dict) else {}
        said = str(body.get("message") or "") or error.message
        return failures.of_status(error.status_code, said, error.code, error.response.headers)


def _tool(spec: ToolSpec) -> agents.Tool:
    async def never(*_: object) -> str:
        raise AssertionError("the turn does the calls, not the SDK")

    return agents.FunctionTool(
        name=spec.name,
        description=spec.description,
        params_json_schema=dict(spec.parameters),
        on_invoke_tool=never,
        strict_json_schema=False,
    )


def _failed(event: dict[str, Any]) -> ModelFailed:
    """A response that failed in the middle of its stream."""
    error = (event.get("response") or {}).get("error") or event.get("error") or event
    code = str(error.get("code") or "")
    said = str(error.get("message") or "it says no more")
    status = {"rate_limit_exceeded": 429, "server_error": 500}.get(code, 400)
    return failures.of_status(status, said, code, {})
