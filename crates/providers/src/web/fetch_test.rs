//! Against real servers on this machine, one address of which is allowed and the others are not.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const ALLOWED: &str = "127.0.0.1";
const OTHER: &str = "127.0.0.2";

/// Answers each connection with what is said of its path, and counts them.
struct Site {
    port: u16,
    calls: Arc<AtomicUsize>,
}

impl Site {
    async fn start(address: &str, pages: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let calls = Arc::new(AtomicUsize::new(0));
        let pages: HashMap<String, String> =
            pages.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut head = vec![0; 4096];
                let count = socket.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..count]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let nothing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
                let answer = pages.get(path).cloned().unwrap_or(nothing);
                // A client that has read enough goes away.
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, calls }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn text(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

fn fetcher() -> Fetcher {
    Fetcher::new(&[ALLOWED.parse().unwrap()]).unwrap()
}

async fn refusal(fetcher: &Fetcher, url: &str) -> String {
    let error = fetcher.fetch(url).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest, "{url}: {error}");
    error.message().to_owned()
}

#[tokio::test]
async fn a_page_is_fetched_through_its_redirects() {
    let site =
        Site::start(ALLOWED, &[("/old", redirect("/new?a=1")), ("/new?a=1", text("here"))]).await;
    let page = fetcher().fetch(&format!("http://{ALLOWED}:{}/old", site.port)).await.unwrap();
    assert_eq!(page.url, format!("http://{ALLOWED}:{}/new?a=1", site.port));
    assert_eq!((page.body.as_ref(), page.is_cut), (b"here".as_slice(), false));
    assert_eq!(page.media_type.as_deref(), Some("text/plain"));
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let fetcher = Fetcher::new(&[]).unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "0.0.0.0",
    ] {
        let told = refusal(&fetcher, &format!("http://{host}:8080/")).await;
        assert!(told.contains("not a public address"), "{host}: {told}");
    }
}

#[tokio::test]
async fn every_hop_is_checked() {
    let inside = Site::start(OTHER, &[("/", text("secret"))]).await;
    for to in [
        format!("http://{OTHER}:{}/", inside.port),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "//[::1]/".to_owned(),
    ] {
        let site = Site::start(ALLOWED, &[("/", redirect(&to))]).await;
        let told = refusal(&fetcher(), &format!("http://{ALLOWED}:{}/", site.port)).await;
        assert!(told.contains("not a public address"), "{told}");
    }
    let site = Site::start(ALLOWED, &[("/", redirect("file:///etc/passwd"))]).await;
    let told = refusal(&fetcher(), &format!("http://{ALLOWED}:{}/", site.port)).await;
    assert!(told.contains("only http and https"), "{told}");
    assert_eq!(inside.calls(), 0, "nobody knocked there");
}

/// A name server that says one thing at first and another when it is asked again.
struct Rebinding {
    asked: Arc<AtomicUsize>,
    answers: [IpAddr; 2],
}

impl Resolve for Rebinding {
    fn resolve(&self, _: Name) -> Resolving {
        let answer = self.answers[self.asked.fetch_add(1, Ordering::SeqCst).min(1)];
        Box::pin(async move { Ok(Box::new([SocketAddr::new(answer, 0)].into_iter()) as Addrs) })
    }
}

#[tokio::test]
async fn the_connection_is_made_to_the_address_that_was_checked() {
    let inside = Site::start(OTHER, &[("/", text("secret"))]).await;
    let site = Site::start(ALLOWED, &[("/", text("page"))]).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let answers = [ALLOWED, OTHER].map(|address| address.parse().unwrap());
    let names = Arc::new(Rebinding { asked: Arc::clone(&asked), answers });
    let fetcher = Fetcher::with_names(&[ALLOWED.parse().unwrap()], names).unwrap();
    let first = fetcher.fetch(&format!("http://rebinding.test:{}/", site.port)).await.unwrap();
    assert_eq!(first.body.as_ref(), b"page");
    assert_eq!(asked.load(Ordering::SeqCst), 1, "it was looked up once for one connection");
    let told = refusal(&fetcher, &format!("http://rebinding.test:{}/", inside.port)).await;
    assert!(told.contains(OTHER), "{told}");
    assert_eq!(inside.calls(), 0);
}

#[tokio::test]
async fn what_is_no_page_is_told() {
    let loops = Site::start(ALLOWED, &[("/", redirect("/"))]).await;
    let error = fetcher().fetch(&format!("http://{ALLOWED}:{}/", loops.port)).await.unwrap_err();
    assert!(error.message().contains("redirects more than 5 times"), "{error}");
    assert_eq!(loops.calls(), REDIRECTS_MAX + 1);
    let error = fetcher().fetch(&format!("http://{ALLOWED}:{}/no", loops.port)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamUnreachable);
    assert!(error.message().contains("404"), "{error}");
    for (url, why) in [
        ("no address", "not the address of a page"),
        ("ftp://example.com/", "only http and https"),
        ("http://ann:pw@example.com/", "user name or password"),
        ("http://example.com:25/", "port 25"),
    ] {
        let told = refusal(&fetcher(), url).await;
        assert!(told.contains(why) && !told.contains("pw@"), "{told}");
    }
}

#[tokio::test]
async fn of_a_page_without_end_the_beginning_is_read() {
    let long = "x".repeat(PAGE_BYTES_MAX + 1);
    let site = Site::start(ALLOWED, &[("/", text(&long))]).await;
    let page = fetcher().fetch(&format!("http://{ALLOWED}:{}/", site.port)).await.unwrap();
    assert_eq!((page.body.len(), page.is_cut), (PAGE_BYTES_MAX, true));
}
