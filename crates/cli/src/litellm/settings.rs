//! Everything in the file but its models: read where Backstay has the same, reported where not.

use backstay_core::limits;

use super::{
    advice,
    report::{Place, Report},
    value::{milliseconds, positive},
    yaml::{Entry, Node},
};

const BYTES_PER_MB: usize = 1024 * 1024;

#[derive(Default)]
pub(super) struct Settings {
    pub(super) total_ms: Option<u64>,
    pub(super) first_token_ms: Option<u64>,
    pub(super) body_bytes_max: Option<usize>,
    /// Names to other names that take over, with where that is said.
    pub(super) fallbacks: Vec<(Place, String, Vec<String>)>,
    /// For names without fallbacks of their own.
    pub(super) default_fallbacks: Option<(Place, Vec<String>)>,
    /// Another name, and the one whose models it stands for.
    pub(super) aliases: Vec<(Place, String, String)>,
}

pub(super) fn read(root: &Node, report: &mut Report) -> Settings {
    let mut settings = Settings::default();
    // The router's time-out and fallbacks come before those of the library.
    let (router, rest): (Vec<&Entry>, Vec<&Entry>) =
        root.entries().iter().partition(|section| section.key == "router_settings");
    for section in router.into_iter().chain(rest) {
        let place = Place::new(section.line, section.key.clone());
        match section.key.as_str() {
            // Read as deployments.
            "model_list" | "credential_list" => {}
            "router_settings" => settings.section(section, report, Settings::router),
            "litellm_settings" => settings.section(section, report, Settings::library),
            "general_settings" => settings.section(section, report, Settings::server),
            "environment_variables" => environment(section, report),
            key => report.missing(&place, advice::of_section(key)),
        }
    }
    settings
}

/// Set in the file, a variable may hold a secret, so its value is not repeated.
fn environment(section: &Entry, report: &mut Report) {
    for variable in section.value.entries() {
        let place = Place::new(variable.line, format!("environment_variables.{}", variable.key));
        report.missing(&place, "set it in the environment of the server, if it is still needed");
    }
}

type Reader = fn(&mut Settings, &Entry, &Place, &mut Report);

impl Settings {
    fn section(&mut self, section: &Entry, report: &mut Report, read: Reader) {
        for entry in section.value.entries() {
            let place = Place::new(entry.line, format!("{}.{}", section.key, entry.key));
            read(self, entry, &place, report);
        }
    }

    fn router(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        match entry.key.as_str() {
            "fallbacks" => self.take_fallbacks(entry, place, report),
            "default_fallbacks" => self.take_default_fallbacks(entry, place),
            "model_group_alias" => self.take_aliases(entry, place, report),
            "timeout" => self.take_total(entry, place, report),
            "stream_timeout" => {
                self.first_token_ms = milliseconds(&entry.value);
                report.changed(place, "it is timeouts.first_token: the wait for the first content");
            }
            "enable_pre_call_checks" | "set_verbose" | "debug_level" => {
                report.missing(place, advice::UNKNOWN);
            }
            key => report.missing(place, advice::of_router(key)),
        }
    }

    fn library(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        match entry.key.as_str() {
            "fallbacks" => self.take_fallbacks(entry, place, report),
            "default_fallbacks" => self.take_default_fallbacks(entry, place),
            "model_alias_map" => self.take_aliases(entry, place, report),
            "request_timeout" => self.take_total(entry, place, report),
            "set_verbose" => report.changed(place, "backstay serve --log debug"),
            "json_logs" => report.changed(place, "backstay serve --log-format json"),
            "telemetry" => report.taken(place, "Backstay reports to nobody"),
            "callbacks" | "success_callback" | "failure_callback" | "service_callbacks"
                if names(&entry.value).iter().all(|name| name == "prometheus") =>
            {
                report.taken(place, "GET /metrics is always there");
            }
            key => report.missing(place, advice::of_library(key)),
        }
    }

    fn server(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        match entry.key.as_str() {
            "master_key" => report.changed(
                place,
                "put it into BACKSTAY_BOOTSTRAP_KEY when you start the server, and clients go on \
                 with it; keys that LiteLLM issued do not come along",
            ),
            "max_request_size_mb" => self.take_body_limit(entry, place, report),
            key => report.missing(place, advice::of_server(key)),
        }
    }

    fn take_total(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        match (milliseconds(&entry.value), self.total_ms) {
            (None, _) => report.missing(place, "it is not a number of seconds"),
            (Some(_), Some(_)) => report.missing(place, "router_settings.timeout holds"),
            (Some(total), None) => {
                self.total_ms = Some(total);
                report.taken(place, "it is timeouts.total");
            }
        }
    }

    fn take_body_limit(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        let wanted = positive(&entry.value).and_then(|mb| usize::try_from(mb).ok());
        let wanted = wanted.and_then(|mb| mb.checked_mul(BYTES_PER_MB));
        match wanted.filter(|bytes| *bytes <= limits::BODY_BYTES_MAX) {
            Some(bytes) => {
                self.body_bytes_max = Some(bytes);
                report.taken(place, "it is server.body_bytes_max");
            }
            None => report.missing(
                place,
                format!("Backstay takes requests of up to {} bytes", limits::BODY_BYTES_MAX),
            ),
        }
    }

    fn take_fallbacks(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        for fallback in entry.value.items().iter().flat_map(Node::entries) {
            let place = place.within(fallback.line, &fallback.key);
            let to = names(&fallback.value);
            if to.len() < fallback.value.items().len() {
                report.missing(&place, "a fallback with settings of its own is left out");
            }
            if fallback.key == "*" {
                self.default_fallbacks = Some((place, to));
            } else {
                self.fallbacks.push((place, fallback.key.clone(), to));
            }
        }
    }

    fn take_default_fallbacks(&mut self, entry: &Entry, place: &Place) {
        self.default_fallbacks = Some((place.clone(), names(&entry.value)));
    }

    fn take_aliases(&mut self, entry: &Entry, place: &Place, report: &mut Report) {
        for alias in entry.value.entries() {
            let place = place.within(alias.line, &alias.key);
            match alias.value.text().or_else(|| alias.value.get("model")?.text()) {
                Some(model) => self.aliases.push((place, alias.key.clone(), model.to_owned())),
                None => report.missing(&place, "it does not say which model it stands for"),
            }
        }
    }
}

/// The texts of a list, or the one text that stands for a list.
fn names(node: &Node) -> Vec<String> {
    let one = node.text().into_iter();
    one.chain(node.items().iter().filter_map(Node::text)).map(str::to_owned).collect()
}
