//! The request fields by which a client says how endpoints are chosen: OpenRouter's `models`,
//! `fallbacks`, `provider` and `session_id`, which every dialect takes here.

use backstay_core::{
    Error, Money, Percentiles, PriceCeiling, Quantization, Result, RoutingPreferences, Sort, SortBy,
};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::fields::{Object, Path};

/// As at OpenRouter, which refuses more.
const MODELS_MAX: usize = 3;
const NAMES_MAX: usize = 100;
const SESSION_CHARACTERS_MAX: usize = 256;

/// The members of `provider`; those after `options` are Backstay's own.
const PROVIDER_MEMBERS: [&str; 18] = [
    "order",
    "only",
    "ignore",
    "allow_fallbacks",
    "require_parameters",
    "data_collection",
    "zdr",
    "enforce_distillable_text",
    "quantizations",
    "sort",
    "max_price",
    "preferred_min_throughput",
    "preferred_max_latency",
    "options",
    "regions",
    "hedge",
    "continue",
    "trace",
];

/// Takes the routing fields out of a body, so that no upstream sees what was meant for us.
///
/// # Errors
/// `InvalidRequest` with the path of the field that is at fault.
pub fn take(body: &mut Map<String, Value>) -> Result<RoutingPreferences> {
    let taken: Map<String, Value> = ["models", "fallbacks", "provider", "session_id", "route"]
        .into_iter()
        .filter_map(|name| body.shift_remove_entry(name))
        .collect();
    let fields = Object::new(&taken, &Path::Root);
    let preferences = match fields.get("provider") {
        None => RoutingPreferences::default(),
        Some(value) => provider(Path::Root.field("provider").object(value)?)?,
    };
    let cache_key = body.get("prompt_cache_key").and_then(Value::as_str);
    let session = session(fields)?.or_else(|| cache_key.map(str::to_owned));
    Ok(RoutingPreferences { models: models(fields)?, session, ..preferences })
}

/// What a provider that passes calls on is told: the preferences that it can see to, in its words.
/// Models are Backstay's to choose, and so is the order among its own providers.
pub fn delegated(preferences: &RoutingPreferences) -> Map<String, Value> {
    let mut provider = Map::new();
    let mut set = |name: &str, value: Value, is_set: bool| {
        if is_set {
            provider.insert(name.to_owned(), value);
        }
    };
    for (name, names) in [
        ("order", &preferences.order),
        ("only", &preferences.only),
        ("ignore", &preferences.ignore),
    ] {
        set(name, json!(names), !names.is_empty());
    }
    let fallbacks = preferences.allow_fallbacks;
    set("allow_fallbacks", json!(fallbacks), fallbacks.is_some());
    set("require_parameters", json!(true), preferences.require_parameters);
    set("data_collection", json!("deny"), preferences.deny_data_collection);
    set("zdr", json!(true), preferences.zero_retention);
    let quantizations = &preferences.quantizations;
    set("quantizations", json!(quantizations), !quantizations.is_empty());
    if let Some(sort) = preferences.sort {
        let by = match sort.by {
            SortBy::Price => "price",
            SortBy::Throughput => "throughput",
            SortBy::Latency => "latency",
        };
        set("sort", json!(by), true);
    }
    let ceiling = ceiling(&preferences.price_max);
    set("max_price", json!(ceiling), !ceiling.is_empty());
    for (name, bounds, unit) in [
        ("preferred_min_throughput", preferences.throughput_min, 1.0),
        ("preferred_max_latency", preferences.latency_max, 1_000.0),
    ] {
        let names = ["p50", "p75", "p90", "p99"].into_iter();
        let given = names.zip([bounds.p50, bounds.p75, bounds.p90, bounds.p99]);
        let given: Map<String, Value> = given
            .filter_map(|(name, bound)| Some((name.to_owned(), json!(bound? / unit))))
            .collect();
        let is_set = !given.is_empty();
        set(name, Value::Object(given), is_set);
    }
    set("options", json!(preferences.options), !preferences.options.is_empty());
    let mut fields = Map::new();
    if !provider.is_empty() {
        fields.insert("provider".to_owned(), Value::Object(provider));
    }
    if let Some(session) = &preferences.session {
        fields.insert("session_id".to_owned(), Value::from(session.as_str()));
    }
    fields.extend(preferences.relayed.clone());
    fields
}

fn ceiling(price_max: &PriceCeiling) -> Map<String, Value> {
    let per_million = |price: Option<Money>| price.and_then(|price| price.times(1_000_000));
    let bounds = [
        ("prompt", per_million(price_max.prompt)),
        ("completion", per_million(price_max.completion)),
        ("request", price_max.request),
        ("image", price_max.image),
    ];
    let given =
        bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), json!(bound?))));
    given.collect()
}

/// `models: ["a/b", …]`, or Anthropic-style `fallbacks: [{"model": "a/b"}, …]`.
fn models(body: Object<'_>) -> Result<Vec<String>> {
    let models = names(body, "models")?;
    let fallbacks = body.array("fallbacks")?.unwrap_or_default();
    if !models.is_empty() && !fallbacks.is_empty() {
        return Err(body
            .path()
            .field("fallbacks")
            .invalid("says what `models` says; send one of them"));
    }
    let path = body.path().field("fallbacks");
    let named = fallbacks.iter().enumerate().map(|(at, fallback)| {
        let path = path.index(at);
        let members = path.object(fallback)?;
        if let Some(other) = members.names().find(|name| name.as_str() != "model") {
            return Err(path.field(other).invalid("cannot be set here; an entry has only `model`"));
        }
        Ok(members.required_text("model")?.to_owned())
    });
    let named: Vec<String> = named.collect::<Result<_>>()?;
    let (name, models) = if models.is_empty() { ("fallbacks", named) } else { ("models", models) };
    if models.len() > MODELS_MAX {
        let what = format_args!("can name at most {MODELS_MAX} models");
        return Err(body.path().field(name).invalid(what));
    }
    Ok(models)
}

fn session(body: Object<'_>) -> Result<Option<String>> {
    let session = body.owned_text("session_id")?;
    if session.as_ref().is_some_and(|text| text.chars().count() > SESSION_CHARACTERS_MAX) {
        let what = format_args!("can have at most {SESSION_CHARACTERS_MAX} characters");
        return Err(body.path().field("session_id").invalid(what));
    }
    Ok(session)
}

fn provider(object: Object<'_>) -> Result<RoutingPreferences> {
    if let Some(unknown) = object.names().find(|name| !PROVIDER_MEMBERS.contains(&name.as_str())) {
        let known = PROVIDER_MEMBERS.join(", ");
        let what = format_args!("is no provider preference; there are {known}");
        return Err(object.path().field(unknown).invalid(what));
    }
    let deny_data_collection = match object.text("data_collection")? {
        None | Some("allow") => false,
        Some("deny") => true,
        Some(_) => {
            return Err(object.path().field("data_collection").invalid("must be allow or deny"));
        }
    };
    Ok(RoutingPreferences {
        order: names(object, "order")?,
        only: names(object, "only")?,
        ignore: names(object, "ignore")?,
        allow_fallbacks: object.flag("allow_fallbacks")?,
        require_parameters: object.flag("require_parameters")?.unwrap_or(false),
        deny_data_collection,
        zero_retention: object.flag("zdr")?.unwrap_or(false),
        regions: names(object, "regions")?,
        quantizations: quantizations(object)?,
        sort: sort(object)?,
        price_max: price_max(object)?,
        throughput_min: percentiles(object, "preferred_min_throughput", 1.0)?,
        // Seconds on the wire.
        latency_max: percentiles(object, "preferred_max_latency", 1_000.0)?,
        options: options(object)?,
        continue_broken: object.flag("continue")?.unwrap_or(false),
        hedge: object.flag("hedge")?,
        trace: object.flag("trace")?.unwrap_or(false),
        ..RoutingPreferences::default()
    })
}

fn names(object: Object<'_>, name: &str) -> Result<Vec<String>> {
    let values = object.array(name)?.unwrap_or_default();
    let path = object.path().field(name);
    if values.len() > NAMES_MAX {
        return Err(path.invalid(format_args!("can have at most {NAMES_MAX} entries")));
    }
    values
        .iter()
        .enumerate()
        .map(|(at, value)| Ok(path.index(at).text(value)?.to_owned()))
        .collect()
}

fn quantizations(object: Object<'_>) -> Result<Vec<Quantization>> {
    let path = object.path().field("quantizations");
    let values = object.array("quantizations")?.unwrap_or_default().iter().enumerate();
    let read = values.map(|(at, value)| {
        Quantization::deserialize(value).map_err(|_| {
            path.index(at).invalid(
                "must be int4, int8, fp4, mxfp4, nvfp4, fp6, fp8, mxfp8, fp16, bf16, fp32 or unknown",
            )
        })
    });
    read.collect()
}

/// `"price"`, or `{"by": "price", "partition": "model" | "none"}`.
fn sort(object: Object<'_>) -> Result<Option<Sort>> {
    let path = object.path().field("sort");
    let (word, across_models, place) = match object.get("sort") {
        None => return Ok(None),
        Some(Value::String(word)) => (word.as_str(), false, path),
        Some(value) => {
            let members = path.object(value)?;
            let across = match members.text("partition")? {
                None | Some("model") => false,
                Some("none") => true,
                Some(_) => return Err(path.field("partition").invalid("must be model or none")),
            };
            (members.required_text("by")?, across, path.field("by"))
        }
    };
    let by = match word {
        "price" => SortBy::Price,
        "throughput" => SortBy::Throughput,
        "latency" => SortBy::Latency,
        _ => return Err(place.invalid("must be price, throughput or latency")),
    };
    Ok(Some(Sort { by, across_models }))
}

/// Prompt and completion are dollars per million tokens on the wire, request and image per piece.
fn price_max(object: Object<'_>) -> Result<PriceCeiling> {
    let Some(value) = object.get("max_price") else { return Ok(PriceCeiling::default()) };
    let path = object.path().field("max_price");
    let members = path.object(value)?;
    if let Some(other) = members.names().find(|name| {
        !["prompt", "completion", "request", "image", "audio"].contains(&name.as_str())
    }) {
        return Err(path
            .field(other)
            .invalid("is not bounded; bound prompt, completion, request or image"));
    }
    Ok(PriceCeiling {
        prompt: dollars(members, "prompt", "e-6")?,
        completion: dollars(members, "completion", "e-6")?,
        request: dollars(members, "request", "")?,
        image: dollars(members, "image", "")?,
    })
}

fn dollars(members: Object<'_>, name: &str, unit: &str) -> Result<Option<Money>> {
    let text = match members.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => return Err(members.path().field(name).wrong_type("a dollar amount", other)),
    };
    let scaled = if text.contains(['e', 'E']) { None } else { Some(format!("{text}{unit}")) };
    scaled.and_then(|text| Money::parse_dollars(&text)).map(Some).ok_or_else(|| {
        members.path().field(name).invalid("must be a dollar amount of zero or more, such as 2.5")
    })
}

/// A number bounds the median; an object bounds the percentiles that it names.
fn percentiles(object: Object<'_>, name: &str, unit: f64) -> Result<Percentiles> {
    let path = object.path().field(name);
    match object.get(name) {
        None => Ok(Percentiles::default()),
        Some(Value::Object(members)) => {
            let members = Object::new(members, &path);
            let bound =
                |name: &str| Ok::<_, Error>(members.number(name)?.map(|bound| bound * unit));
            Ok(Percentiles {
                p50: bound("p50")?,
                p75: bound("p75")?,
                p90: bound("p90")?,
                p99: bound("p99")?,
            })
        }
        Some(_) => {
            let median = object.number(name)?.map(|bound| bound * unit);
            Ok(Percentiles { p50: median, ..Percentiles::default() })
        }
    }
}

fn options(object: Object<'_>) -> Result<Map<String, Value>> {
    let Some(value) = object.get("options") else { return Ok(Map::new()) };
    let path = object.path().field("options");
    let members = value.as_object().ok_or_else(|| path.wrong_type("an object", value))?;
    for (provider, fields) in members {
        path.field(provider).object(fields)?;
    }
    Ok(members.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<RoutingPreferences> {
        let mut members = body.as_object().unwrap().clone();
        let preferences = take(&mut members)?;
        assert!(members.keys().all(|name| name == "model" || name == "prompt_cache_key"));
        Ok(preferences)
    }

    #[test]
    fn everything_that_openrouter_documents_is_understood_and_taken_out() {
        let preferences = read(json!({
            "model": "a/b",
            "models": ["a/c", "a/d"],
            "session_id": "s1",
            "provider": {
                "order": ["groq"], "only": ["groq", "deepinfra/turbo"], "ignore": ["azure"],
                "allow_fallbacks": false, "require_parameters": true, "data_collection": "deny",
                "zdr": true, "quantizations": ["fp8", "bf16"],
                "sort": {"by": "throughput", "partition": "none"},
                "max_price": {"prompt": 1, "completion": "2.5", "image": 0.01},
                "preferred_min_throughput": 40, "preferred_max_latency": {"p90": 1.5},
                "options": {"groq": {"service_tier": "flex"}}, "regions": ["eu"],
                "hedge": true, "continue": true, "trace": true,
            },
        }))
        .unwrap();
        assert_eq!(preferences.models, ["a/c", "a/d"]);
        assert_eq!(preferences.session.as_deref(), Some("s1"));
        assert_eq!(preferences.sort, Some(Sort { by: SortBy::Throughput, across_models: true }));
        assert_eq!(preferences.price_max.prompt, Money::parse_dollars("0.000001"));
        assert_eq!(preferences.price_max.completion, Money::parse_dollars("0.0000025"));
        assert_eq!(preferences.price_max.image, Money::parse_dollars("0.01"));
        assert_eq!(preferences.throughput_min.p50, Some(40.0));
        assert_eq!(preferences.latency_max.p90, Some(1_500.0));
        assert!(preferences.zero_retention && preferences.deny_data_collection);
        assert_eq!(preferences.allow_fallbacks, Some(false));
        assert!(preferences.continue_broken && preferences.trace);
    }

    #[test]
    fn what_is_passed_on_says_what_was_asked_and_nothing_of_our_own() {
        let asked = json!({"provider": {
            "only": ["groq"], "zdr": true, "sort": "price", "max_price": {"prompt": "1.5"},
            "preferred_max_latency": 2, "trace": true, "hedge": true,
        }});
        let preferences = read(asked).unwrap();
        let expected = json!({"provider": {
            "only": ["groq"], "zdr": true, "sort": "price", "max_price": {"prompt": "1.5"},
            "preferred_max_latency": {"p50": 2.0},
        }});
        assert_eq!(Value::Object(delegated(&preferences)), expected);
        assert!(delegated(&RoutingPreferences::default()).is_empty());
    }

    #[test]
    fn fallbacks_of_the_anthropic_dialect_are_models() {
        let preferences = read(json!({"fallbacks": [{"model": "a/c"}]})).unwrap();
        assert_eq!(preferences.models, ["a/c"]);
    }

    #[test]
    fn a_cache_key_keeps_a_session_where_none_is_named_and_stays_in_the_body() {
        let mut members = json!({"prompt_cache_key": "k"}).as_object().unwrap().clone();
        assert_eq!(take(&mut members).unwrap().session.as_deref(), Some("k"));
        assert!(members.contains_key("prompt_cache_key"));
    }

    #[test]
    fn a_mistake_names_its_place_and_what_there_is() {
        let cases = [
            (json!({"provider": {"oder": []}}), "provider.oder", "order, only"),
            (json!({"provider": {"sort": "fast"}}), "provider.sort", "throughput"),
            (json!({"provider": {"sort": {"by": "x"}}}), "provider.sort.by", "latency"),
            (json!({"provider": {"data_collection": "no"}}), "provider.data_collection", "deny"),
            (
                json!({"provider": {"max_price": {"prompt": -1}}}),
                "provider.max_price.prompt",
                "2.5",
            ),
            (json!({"provider": {"quantizations": ["q4"]}}), "provider.quantizations[0]", "int4"),
            (json!({"provider": {"only": "groq"}}), "provider.only", "an array"),
            (json!({"provider": []}), "provider", "an object"),
            (json!({"models": ["a", "b", "c", "d"]}), "models", "at most 3"),
            (json!({"fallbacks": [{"model": "a", "x": 1}]}), "fallbacks[0].x", "only `model`"),
            (json!({"models": ["a"], "fallbacks": [{"model": "b"}]}), "fallbacks", "one of them"),
        ];
        for (body, place, hint) in cases {
            let error = read(body).unwrap_err();
            assert_eq!(error.parameter(), Some(place), "{error}");
            assert!(error.message().contains(hint), "{error}");
        }
    }
}
