//! Which parameters of a template are `NoEcho`, and their defaults: the template says itself what must not be shown.
//! It reads JSON, and of YAML no more than this takes; what it does not understand it leaves alone.
//! Used by the redactor.

use serde_json::Value;

/// A parameter whose value must not be shown, with its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The parameter's logical id.
    pub name: String,
    /// What it is where nobody says.
    pub default: Option<String>,
}

/// The `NoEcho` parameters of a template, in JSON or YAML, in its order.
pub(super) fn hidden(text: &str) -> Vec<Hidden> {
    match serde_json::from_str::<Value>(text) {
        Ok(template) => in_json(&template),
        Err(_) => in_yaml(text),
    }
}

fn is_true(text: &str) -> bool {
    matches!(unquoted(text).to_ascii_lowercase().as_str(), "true" | "yes" | "on")
}

fn in_json(template: &Value) -> Vec<Hidden> {
    let parameters = template.get("Parameters").and_then(Value::as_object);
    let is_hidden = |parameter: &Value| match parameter.get("NoEcho") {
        Some(Value::Bool(hidden)) => *hidden,
        Some(Value::String(hidden)) => is_true(hidden),
        _ => false,
    };
    let default = |parameter: &Value| match parameter.get("Default")? {
        Value::String(default) => Some(default.clone()),
        other => Some(other.to_string()),
    };
    let parameters = parameters.into_iter().flatten().filter(|(_, parameter)| is_hidden(parameter));
    parameters.map(|(name, parameter)| Hidden { name: name.clone(), default: default(parameter) }).collect()
}

/// The lines between `Parameters:` and the next key at the margin; a parameter is what is indented least.
fn in_yaml(text: &str) -> Vec<Hidden> {
    let lines = text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim_end());
    let mut lines = lines.skip_while(|line| *line != "Parameters:").skip(1);
    let section: Vec<&str> = std::iter::from_fn(|| lines.next())
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let least = section.iter().map(|line| depth(line)).min().unwrap_or_default();
    let mut parameters: Vec<(String, Vec<&str>)> = Vec::new();
    for line in section {
        if depth(line) > least {
            if let Some((_, fields)) = parameters.last_mut() {
                fields.push(line.trim());
            }
        } else if let Some((name, rest)) = line.trim().split_once(':') {
            // `DbPassword: {Type: String, NoEcho: true}`
            let flow = rest.trim().trim_start_matches('{').trim_end_matches('}');
            parameters.push((unquoted(name).to_owned(), flow.split(',').map(str::trim).collect()));
        }
    }
    let field = |fields: &[&str], key: &str| {
        let mut pairs = fields.iter().filter_map(|field| field.split_once(':'));
        pairs.find(|(name, _)| unquoted(name) == key).map(|(_, value)| unquoted(value).to_owned())
    };
    let hidden =
        parameters.into_iter().filter(|(_, fields)| field(fields, "NoEcho").is_some_and(|text| is_true(&text)));
    hidden.map(|(name, fields)| Hidden { name, default: field(&fields, "Default") }).collect()
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_say_what_they_hide() {
        let yaml = "Parameters:\n  # comment\n  DbSecret:\n    Type: String\n    NoEcho: true  # hidden\n    Default: 'swordfish'\n  Stage:\n    Type: String\n    Default: prod\n\n  License: {Type: String, NoEcho: \"true\"}\nResources:\n  NoEcho:\n    NoEcho: true\n";
        let json = r#"{"Parameters":{"DbSecret":{"NoEcho":true,"Default":"swordfish"},"Stage":{"Default":"prod"},"License":{"NoEcho":"true"}}}"#;
        let expected = [("DbSecret", Some("swordfish")), ("License", None)];
        for template in [yaml, json] {
            let found = hidden(template);
            let found: Vec<_> = found.iter().map(|hidden| (hidden.name.as_str(), hidden.default.as_deref())).collect();
            assert_eq!(found, expected, "{template}");
        }
        assert_eq!(hidden("just text"), []);
    }
}
