//! The names that clients use, each with the endpoints that serve it in order: deployments of one
//! name, names that stand for others, and what takes over when a name fails.

use super::{
    deployment::Deployment,
    providers::Providers,
    report::{Place, Report},
    settings::Settings,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ImportedRoute {
    pub(super) id: String,
    /// `provider/model` each.
    pub(super) endpoints: Vec<String>,
}

#[derive(Default)]
struct Routes {
    all: Vec<ImportedRoute>,
    /// `provider/` of providers all of whose models are served by their own names.
    open: Vec<String>,
}

/// What clients can call.
pub(super) struct Names {
    pub(super) routes: Vec<ImportedRoute>,
    /// All names, with `*` for any characters; some need no route.
    pub(super) served: Vec<String>,
}

pub(super) fn build(
    deployments: &[Deployment],
    settings: &Settings,
    providers: &mut Providers,
    report: &mut Report,
) -> Names {
    let mut routes = Routes::default();
    let mut names: Vec<&str> = Vec::new();
    for deployment in deployments {
        if !names.contains(&deployment.name.as_str()) {
            names.push(&deployment.name);
        }
    }
    for name in names {
        let mut group: Vec<&Deployment> =
            deployments.iter().filter(|deployment| deployment.name == name).collect();
        Deployment::sort(&mut group);
        routes.add(name, &group, providers, report);
    }
    for (place, alias, model) in &settings.aliases {
        routes.alias(place, alias, model, report);
    }
    let open = routes.open.iter().map(|own| format!("{own}*")).collect::<Vec<_>>();
    let mut routes = routes.with_fallbacks(settings, report);
    let served = routes.iter().map(|route| route.id.clone()).chain(open).collect();
    // A model that is called as its provider's is served without being named.
    routes.retain(|route| route.endpoints != [route.id.as_str()]);
    Names { routes, served }
}

impl Routes {
    fn add(
        &mut self,
        name: &str,
        group: &[&Deployment],
        providers: &mut Providers,
        report: &mut Report,
    ) {
        let mut endpoints = Vec::new();
        for deployment in group {
            let Some(endpoint) = providers.endpoint(deployment, report) else { continue };
            if name.contains('*') || endpoint.contains('*') {
                self.add_pattern(name, &endpoint, &deployment.place, report);
                continue;
            }
            let note = match providers.key_variable_of(&endpoint) {
                Some(variable) => format!("{name} is {endpoint}, with the key in {variable}"),
                None => format!("{name} is {endpoint}"),
            };
            report.taken(&deployment.place, note);
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        if let ([first, _, ..], true) = (group, endpoints.len() > 1) {
            report.changed(
                &first.place,
                format!(
                    "LiteLLM spreads the calls of {name} over its deployments; Backstay tries \
                     them in the order {}",
                    endpoints.join(", ")
                ),
            );
        }
        if !endpoints.is_empty() {
            self.all.push(ImportedRoute { id: name.to_owned(), endpoints });
        }
    }

    fn add_pattern(&mut self, name: &str, endpoint: &str, place: &Place, report: &mut Report) {
        let Some(own) = endpoint.strip_suffix('*') else {
            let note = format!("Backstay has no patterns of names; call {endpoint} by that name");
            report.missing(place, note);
            return;
        };
        if name.strip_suffix('*') == Some(own) {
            report.taken(place, format!("every model of this provider can be called as {own}NAME"));
        } else {
            let note = format!("what {name} stood for is called as {own}NAME");
            report.changed(place, note);
        }
        if !self.open.iter().any(|open| open == own) {
            self.open.push(own.to_owned());
        }
    }

    /// `None` when the file serves nothing by this name.
    fn endpoints_of(&self, name: &str) -> Option<Vec<String>> {
        match self.all.iter().find(|route| route.id == name) {
            Some(route) => Some(route.endpoints.clone()),
            None => {
                let open = self.open.iter().any(|open| name.starts_with(open.as_str()));
                open.then(|| vec![name.to_owned()])
            }
        }
    }

    fn alias(&mut self, place: &Place, alias: &str, model: &str, report: &mut Report) {
        if self.all.iter().any(|route| route.id == alias) {
            report.missing(place, "a model of that name is there too, and holds");
            return;
        }
        match self.endpoints_of(model) {
            Some(endpoints) => {
                report.taken(place, format!("{alias} has the endpoints of {model}"));
                self.all.push(ImportedRoute { id: alias.to_owned(), endpoints });
            }
            None => report.missing(place, format!("{model} is not among the imported models")),
        }
    }

    /// Backstay goes through a model's endpoints until one answers, so the endpoints of a fallback
    /// are put after those of the model, and those of the fallback's fallbacks after them.
    fn with_fallbacks(self, settings: &Settings, report: &mut Report) -> Vec<ImportedRoute> {
        let fallbacks_of = |name: &str| -> &[String] {
            let of_name = |name: &str| settings.fallbacks.iter().find(|(_, from, _)| from == name);
            // A name that stands for another falls back as that one does.
            let stands_for = settings.aliases.iter().find(|(_, alias, _)| alias == name);
            let own = of_name(name).or_else(|| of_name(&stands_for?.2));
            match (own, &settings.default_fallbacks) {
                (Some((_, _, to)), _) | (None, Some((_, to))) => to,
                (None, None) => &[],
            }
        };
        let mut names: Vec<String> = self.all.iter().map(|route| route.id.clone()).collect();
        for (place, from, to) in &settings.fallbacks {
            self.report_fallback(place, from, to, report);
            if self.endpoints_of(from).is_some() && !names.contains(from) {
                names.push(from.clone());
            }
        }
        if let Some((place, to)) = &settings.default_fallbacks {
            self.report_fallback(place, "every model without fallbacks of its own", to, report);
        }
        let whole = |name: String| {
            let mut order = vec![name.as_str()];
            let mut next = 0;
            while let Some(current) = order.get(next).copied() {
                let new = fallbacks_of(current).iter().map(String::as_str);
                let new: Vec<&str> = new.filter(|to| !order.contains(to)).collect();
                order.extend(new);
                next += 1;
            }
            let mut endpoints = Vec::new();
            for endpoint in order.iter().filter_map(|name| self.endpoints_of(name)).flatten() {
                if !endpoints.contains(&endpoint) {
                    endpoints.push(endpoint);
                }
            }
            ImportedRoute { id: name.clone(), endpoints }
        };
        names.into_iter().map(whole).collect()
    }

    fn report_fallback(&self, place: &Place, from: &str, to: &[String], report: &mut Report) {
        for name in to.iter().filter(|name| self.endpoints_of(name).is_none()) {
            report.missing(place, format!("{name} is not among the imported models"));
        }
        let known = to.iter().filter(|name| self.endpoints_of(name).is_some());
        let known: Vec<&str> = known.map(String::as_str).collect();
        if !known.is_empty() {
            let note = format!("the endpoints of {} come after those of {from}", known.join(", "));
            report.changed(place, note);
        }
    }
}
