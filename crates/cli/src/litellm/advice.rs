//! What to say of settings that have no counterpart: what Backstay does instead, where it does.

pub(super) const UNKNOWN: &str = "Backstay has no such setting";
pub(super) const COST: &str =
    "Backstay's configuration has prices per token and per request; this one is left out";
pub(super) const DESCRIPTIVE: &str = "describes the model to LiteLLM; Backstay does not need it";
const RATE: &str = "Backstay limits requests, tokens and money of keys (backstay key create --rate), \
    not of deployments; a deployment that answers 429 is passed over";
const AT_ONCE: &str = "Backstay does not limit how many calls run at once, but how many a key makes in \
    a minute, hour or day (backstay key create --rate)";
const KEY_RATE: &str = "set it on each key (backstay key create --rate)";
const BUDGET: &str = "budgets are no part of the configuration: set them on the running server, for \
    everyone with PUT /backstay/v1/budgets, for a key with backstay key create --budget, by the day, \
    week, month or in total";
const PROVIDER_BUDGET: &str = "Backstay has budgets of keys (backstay key create --budget) and of the \
    whole workspace (PUT /backstay/v1/budgets), not of deployments or providers";
const USER_BUDGET: &str = "Backstay has budgets of keys and of the whole workspace, not of users: give \
    each user a key with one (backstay key create --budget)";
const CLIENTS_SEND: &str = "clients send it with each call";
const RETRIES: &str = "a call goes on to the next endpoint until the first content, within a share of \
    all traffic ([routing] retries_percent); an endpoint that keeps failing rests by itself";
const REDIS: &str = "Backstay needs no Redis: its state is in its own database";
const LOGGING: &str = "Backstay sends nothing to other services; it has logs (backstay serve --log), \
    metrics (GET /metrics) and a ledger row for every call";
const CACHE: &str = "no cache answers calls that do not ask for it: a client asks for exact answers \
    to be kept and used with the backstay.cache member of its call";
const DATABASE: &str = "Backstay keeps keys, conversations and the ledger in its own database \
    under server.data";
const BALANCING: &str = "Backstay tries the endpoints of a model in their order";

/// A key of `litellm_params` that does not make up the deployment itself.
pub(super) fn of_parameter(key: &str) -> &'static str {
    match key {
        "rpm" | "tpm" | "itpm" | "otpm" => RATE,
        "max_parallel_requests" => AT_ONCE,
        "default_api_key_rpm_limit" | "default_api_key_tpm_limit" => KEY_RATE,
        "max_budget" | "budget_duration" => PROVIDER_BUDGET,
        "timeout" | "stream_timeout" => {
            "Backstay's time-outs are the same for all endpoints: see [timeouts]"
        }
        "max_retries" | "num_retries" | "cooldown_time" => RETRIES,
        "temperature"
        | "top_p"
        | "max_tokens"
        | "max_completion_tokens"
        | "stop"
        | "seed"
        | "presence_penalty"
        | "frequency_penalty"
        | "reasoning_effort"
        | "thinking"
        | "response_format"
        | "tools"
        | "tool_choice" => CLIENTS_SEND,
        "drop_params" | "additional_drop_params" | "allowed_openai_params" => DROPPING,
        "extra_headers" | "headers" | "organization" => {
            "Backstay sends no headers of your own to an upstream"
        }
        "extra_body" => "Backstay adds nothing to a request's body",
        "tags" | "tag_regex" => "Backstay does not route by tags",
        "cache_control_injection_points" => "Backstay sets no cache marks that the client did not",
        key if key.contains("cost") => COST,
        key if key.starts_with("aws_") => "Backstay signs with an access key",
        _ => UNKNOWN,
    }
}

const DROPPING: &str = "nothing to set: where client and provider speak one format, parameters are \
    passed on; where not, those that the other format lacks are dropped and named in the answer";

/// A key of `router_settings` that is not read.
pub(super) fn of_router(key: &str) -> &'static str {
    match key {
        "routing_strategy" | "routing_strategy_args" | "weights" => BALANCING,
        "num_retries"
        | "max_retries"
        | "retry_after"
        | "retry_policy"
        | "allowed_fails"
        | "allowed_fails_policy"
        | "cooldown_time"
        | "disable_cooldowns"
        | "max_fallbacks"
        | "model_group_retry_policy" => RETRIES,
        "context_window_fallbacks" => {
            "an endpoint known to be too short is passed over; for another model, clients send models"
        }
        "content_policy_fallbacks" => {
            "clients say with models what to try when a model refuses a request"
        }
        "redis_url" | "redis_host" | "redis_port" | "redis_password" | "redis_db" => REDIS,
        "cache_responses" | "caching_groups" => CACHE,
        "enable_tag_filtering" | "tag_filtering_match_any" => "Backstay does not route by tags",
        "provider_budget_config" => PROVIDER_BUDGET,
        _ => UNKNOWN,
    }
}

/// A key of `litellm_settings` that is not read.
pub(super) fn of_library(key: &str) -> &'static str {
    match key {
        "drop_params" | "modify_params" => DROPPING,
        "cache" | "cache_params" | "enable_caching_on_provider_specific_optional_params" => CACHE,
        "callbacks"
        | "success_callback"
        | "failure_callback"
        | "service_callbacks"
        | "audit_log_callbacks"
        | "callback_settings" => LOGGING,
        "max_budget" | "budget_duration" => BUDGET,
        "max_internal_user_budget" | "internal_user_budget_duration" | "max_end_user_budget" => {
            USER_BUDGET
        }
        "num_retries" | "allowed_fails" | "retry_policy" | "cooldown_time" => RETRIES,
        "context_window_fallbacks" | "content_policy_fallbacks" => of_router(key),
        "turn_off_message_logging" | "redact_user_api_key_info" => {
            "nothing to set: what is said is never written to the log"
        }
        "default_internal_user_params"
        | "default_team_settings"
        | "upperbound_key_generate_params"
        | "default_key_generate_params" => {
            "users, teams and defaults of keys do not exist: each key is given its scopes, models, \
             budgets and rate limits when it is made (backstay key create)"
        }
        _ => UNKNOWN,
    }
}

/// A key of `general_settings` that is not read.
pub(super) fn of_server(key: &str) -> &'static str {
    match key {
        key if key.starts_with("database_") => DATABASE,
        "store_model_in_db" | "supported_db_objects" => {
            "models are in the configuration file; those that LiteLLM keeps in its database are \
             not read"
        }
        "store_prompts_in_spend_logs" | "disable_spend_logs" | "spend_logs_url" => {
            "the ledger holds no prompts; a conversation is kept in its thread when one is asked for"
        }
        "max_parallel_requests" | "global_max_parallel_requests" => AT_ONCE,
        "alerting"
        | "alerting_threshold"
        | "alerting_args"
        | "alert_types"
        | "alert_to_webhook_url" => "Backstay sends no alerts; watch GET /metrics",
        "custom_auth" | "enable_jwt_auth" | "litellm_jwtauth" | "enable_oauth2_auth" => {
            "callers show an API key of Backstay's (backstay key create)"
        }
        "background_health_checks" | "health_check_interval" | "health_check_details" => {
            "Backstay makes no calls of its own to see whether a model answers"
        }
        "pass_through_endpoints" => "Backstay forwards to no paths but those of its APIs",
        "ui_access_mode" | "allowed_routes" | "public_routes" | "admin_only_routes" => UNKNOWN,
        "key_management_system" | "key_management_settings" => {
            "keys come from environment variables (api_key_env)"
        }
        key if key.contains("budget") => BUDGET,
        _ => UNKNOWN,
    }
}

/// A section of the file that is not read.
pub(super) fn of_section(key: &str) -> &'static str {
    match key {
        "include" => "the files that it names are not read; import each of them",
        "guardrails" => "Backstay runs no guardrails",
        "mcp_servers" | "mcp_tools" => "Backstay calls no tool servers",
        "callback_settings" => LOGGING,
        "vector_store_registry" => "Backstay has its own memory and no registry of others",
        "files_settings" | "finetune_settings" => "files and fine-tuning are not served",
        _ => UNKNOWN,
    }
}
