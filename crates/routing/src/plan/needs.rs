//! What a request asks of an endpoint.

use std::cell::OnceCell;

use backstay_core::{
    Modality,
    chat::{ChatRequest, Part, ResponseFormat},
};

/// Tokens of an answer where the request does not bound it: about what is common.
const TYPICAL_OUTPUT_TOKENS: u64 = 500;

/// Read from the request once; what is dear to know is worked out when somebody asks.
pub(super) struct Needs<'a> {
    request: &'a ChatRequest,
    prompt_tokens: OnceCell<u64>,
    parameters: OnceCell<Vec<&'a str>>,
    modalities: OnceCell<Vec<Modality>>,
}

impl<'a> Needs<'a> {
    pub(super) fn of(request: &'a ChatRequest) -> Self {
        Self {
            request,
            prompt_tokens: OnceCell::new(),
            parameters: OnceCell::new(),
            modalities: OnceCell::new(),
        }
    }

    pub(super) fn prompt_tokens(&self) -> u64 {
        *self.prompt_tokens.get_or_init(|| self.request.estimated_prompt_tokens())
    }

    pub(super) fn prompt_images(&self) -> u64 {
        self.request.prompt_images()
    }

    pub(super) fn output_tokens_max(&self) -> Option<u64> {
        self.request.parameters.max_tokens
    }

    pub(super) fn typical_output_tokens(&self) -> u64 {
        self.output_tokens_max().map_or(TYPICAL_OUTPUT_TOKENS, |max| max.min(TYPICAL_OUTPUT_TOKENS))
    }

    pub(super) fn modalities(&self) -> &[Modality] {
        self.modalities.get_or_init(|| {
            let mut needed = Vec::new();
            let parts = self.request.messages.iter().flat_map(|message| &message.parts);
            for part in parts {
                let modality = match part {
                    Part::Image(_) => Modality::Image,
                    Part::File(_) => Modality::File,
                    Part::Audio(_) => Modality::Audio,
                    _ => continue,
                };
                if !needed.contains(&modality) {
                    needed.push(modality);
                }
            }
            needed
        })
    }

    /// The parameters that the request uses, under their OpenRouter names.
    pub(super) fn parameters(&self) -> &[&'a str] {
        self.parameters.get_or_init(|| self.used())
    }

    /// Those without which an answer is of no use to who asked.
    pub(super) fn essential(&self) -> impl Iterator<Item = &'a str> {
        const ESSENTIAL: [&str; 3] = ["tools", "response_format", "structured_outputs"];
        self.parameters().iter().copied().filter(|name| ESSENTIAL.contains(name))
    }

    fn used(&self) -> Vec<&'a str> {
        let request = self.request;
        let set = &request.parameters;
        let is_schema = matches!(request.response_format, Some(ResponseFormat::JsonSchema { .. }));
        let is_json = matches!(request.response_format, Some(ResponseFormat::JsonObject));
        let own = [
            ("tools", !request.tools.is_empty()),
            ("tool_choice", request.tool_choice.is_some()),
            ("parallel_tool_calls", request.parallel_tool_calls.is_some()),
            ("response_format", is_json),
            ("structured_outputs", is_schema),
            ("reasoning", request.reasoning.is_some()),
            ("temperature", set.temperature.is_some()),
            ("top_p", set.top_p.is_some()),
            ("top_k", set.top_k.is_some()),
            ("max_tokens", set.max_tokens.is_some()),
            ("stop", !set.stop.is_empty()),
            ("seed", set.seed.is_some()),
            ("presence_penalty", set.presence_penalty.is_some()),
            ("frequency_penalty", set.frequency_penalty.is_some()),
            ("logprobs", set.logprobs.is_some()),
            ("top_logprobs", set.top_logprobs.is_some()),
        ];
        let own = own.into_iter().filter(|(_, is_used)| *is_used).map(|(name, _)| name);
        let others = request.origin.iter().flat_map(|origin| &origin.uninterpreted);
        // Only names that OpenRouter lists as parameters can be looked up in an endpoint's list.
        const LISTED: [&str; 6] = [
            "min_p",
            "top_a",
            "repetition_penalty",
            "logit_bias",
            "verbosity",
            "web_search_options",
        ];
        let others = others.filter_map(|name| LISTED.into_iter().find(|listed| listed == name));
        own.chain(others).collect()
    }
}
