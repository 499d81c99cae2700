//! What a translation could not carry: the names of the request fields that it dropped.

/// Names of dropped request fields, each once, in the order in which they were met. They reach the
/// client as `backstay.dropped_parameters`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    names: Vec<String>,
}

impl Loss {
    /// Notes that `name`, as the client wrote it (`top_k`, `tools[2]`), is not sent upstream.
    pub fn record(&mut self, name: impl Into<String>) {
        let name = name.into();
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub fn into_names(self) -> Vec<String> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::Loss;

    #[test]
    fn a_field_dropped_twice_is_reported_once_and_in_order() {
        let mut loss = Loss::default();
        for name in ["seed", "top_k", "seed"] {
            loss.record(name);
        }
        assert_eq!(loss.into_names(), ["seed", "top_k"]);
    }
}
