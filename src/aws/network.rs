//! The HTTPS client: proxies as the environment names them, and no answer that was cut is taken for a whole one.
//! The SDK's reader of XML ends where the text ends: of a list that was cut it would make a shorter list.
//! Used by the clients.

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::de::IgnoredAny;

/// A client that refuses answers which were cut.
#[derive(Debug, Clone)]
pub(super) struct Whole<C>(pub C);

/// HTTPS with the system's certificates, through the proxy that the environment names.
pub(super) fn https() -> Whole<SharedHttpClient> {
    Whole(Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::Ring));
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    }))
}

impl<C: HttpClient + Clone> HttpClient for Whole<C> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Whole(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Whole<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Credentials also come from endpoints that answer in plain text.
        let signed = request.headers().get("authorization").is_some_and(|header| header.starts_with("AWS4-"));
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move { if signed { whole(answer.await?).await } else { answer.await } })
    }
}

/// The same answer with all of its body, or an error of the kind that is tried again.
async fn whole(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = ByteStream::new(answer.take_body()).collect().await.map_err(|error| ConnectorError::io(error.into()))?;
    let body = body.into_bytes();
    if is_broken(&body) {
        return Err(ConnectorError::io("the answer ends in the middle, or is in no form that AWS answers in".into()));
    }
    *answer.body_mut() = SdkBody::from(body);
    Ok(answer)
}

/// True for XML that does not end with the end of the element that it begins with, for JSON that cannot be read, and for
/// what is neither.
fn is_broken(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let text = text.trim();
    match text.chars().next() {
        Some('<') => is_cut_xml(text),
        Some(_) => serde_json::from_str::<IgnoredAny>(text).is_err(),
        None => false,
    }
}

fn is_cut_xml(text: &str) -> bool {
    let declared = text.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let text = declared.map_or(text, |(_, rest)| rest.trim_start());
    let Some(rest) = text.strip_prefix('<').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())) else {
        return false;
    };
    let Some(end) = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/') else { return true };
    let name = rest.get(..end).unwrap_or_default();
    let closing = text.strip_suffix('>').map(str::trim_end).and_then(|text| text.strip_suffix(name));
    let closed = closing.is_some_and(|text| text.ends_with("</"));
    let empty = text.ends_with("/>") && text.matches('<').count() == 1;
    !closed && !empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_end_as_it_begins() {
        for (body, expected) in [
            ("<A><B>1</B></A>", false),
            ("<?xml version=\"1.0\"?>\n<A xmlns=\"x\"><B/></A>\n", false),
            ("<A/>", false),
            ("<A>\n</A >", false),
            ("<A><B>1</B>", true),
            ("<A><B>1</", true),
            ("<A><B/>", true),
            ("<A", true),
            ("{\"a\":1", true),
            ("{\"a\":1}", false),
            ("{\"a\":x}", true),
            ("Bad Gateway", true),
            ("<!DOCTYPE html><p>", false),
            ("", false),
        ] {
            assert_eq!(is_broken(body.as_bytes()), expected, "{body}");
        }
    }
}
