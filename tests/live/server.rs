//! Real AWS emulators for the tests: each is installed once into a virtual environment of its own beside the build, and
//! started once for a test binary on a free port of the loopback interface. None outlives the process that started it,
//! not even where that is killed, and none is asked for anything but over HTTP. Used by the accounts.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// Whoever has no network or no python sets this; otherwise tests that cannot run fail.
const SKIP: &str = "CFN_FORENSICS_SKIP_LIVE";

/// A first start compiles all of the emulator's modules.
const PATIENCE: Duration = Duration::from_secs(120);

/// The port that was free may be taken by the time the server wants it.
const ATTEMPTS: usize = 3;

/// Runs an installed script until the standard input closes: the other end of that pipe is this process's, and even one
/// that is killed lets go of it. The arguments are the distribution, its script and the script's own arguments.
const PRELUDE: &str = r#"
import os, sys, threading
from importlib.metadata import distribution

def end_with_the_tests():
    # Not sys.stdin: a thread that waits in it would block the interpreter's exit.
    while os.read(0, 4096):
        pass
    os._exit(0)

threading.Thread(target=end_with_the_tests, daemon=True).start()
name, script = sys.argv[1:3]
sys.argv = [script, *sys.argv[3:]]
entry, = (entry for entry in distribution(name).entry_points if entry.name == script)
sys.exit(entry.load()())
"#;

/// An emulator of AWS, as it is installed and started.
struct Kind {
    name: &'static str,
    version: &'static str,
    /// What pip installs.
    requirement: &'static str,
    /// The console script that serves.
    script: &'static str,
    /// The script's arguments for a port.
    arguments: fn(u16) -> Vec<String>,
    /// The script's environment for a port.
    environment: fn(u16) -> Vec<(&'static str, String)>,
    /// The page that tells that it is ready.
    ready: &'static str,
}

const MINISTACK: Kind = Kind {
    name: "ministack",
    version: "1.5.33",
    requirement: "ministack==1.5.33",
    script: "ministack",
    arguments: |_| Vec::new(),
    environment: |port| {
        vec![
            ("BIND_HOST", "127.0.0.1".to_owned()),
            ("GATEWAY_PORT", port.to_string()),
            ("CLOUDTRAIL_RECORDING", "1".to_owned()),
        ]
    },
    ready: "/_ministack/health",
};

const MOTO: Kind = Kind {
    name: "moto",
    version: "5.2.5",
    requirement: "moto[server]==5.2.5",
    script: "moto_server",
    arguments: |port| ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec(),
    environment: |_| Vec::new(),
    ready: "/moto-api/",
};

/// A running emulator.
pub struct Server {
    address: SocketAddr,
    /// Its standard input is what keeps it alive.
    _process: Child,
}

/// The whole of CloudFormation's life cycle and a CloudTrail; an account is whatever the access key says.
/// None where the tests are to be skipped.
pub fn ministack() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    of(&MINISTACK, &SERVER)
}

/// Another reading of CloudFormation, which answers much of what we ask with an error of its own.
/// None where the tests are to be skipped.
pub fn moto() -> Option<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    of(&MOTO, &SERVER)
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint of all services.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// The one server of its kind. What went wrong once is told by every test, and not tried again by each.
fn of(kind: &Kind, server: &'static OnceLock<Result<Server, String>>) -> Option<&'static Server> {
    if std::env::var_os(SKIP).is_some_and(|value| value == "1") {
        eprintln!("skipped: {SKIP}=1");
        return None;
    }
    match server.get_or_init(|| install(kind).and_then(|python| start(kind, &python))) {
        Ok(server) => Some(server),
        Err(why) => panic!("{} {}: {why}\n({SKIP}=1 skips these tests)", kind.name, kind.version),
    }
}

/// The python of the emulator's virtual environment, which is made where it is not there yet.
fn install(kind: &Kind) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", kind.name, kind.version));
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    // Written last: a folder without it was left behind half-way.
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(python);
    }
    let system = if cfg!(windows) { "python" } else { "python3" };
    run(Command::new(system).args(["-m", "venv", "--clear"]).arg(&folder))?;
    // Compiling what is never imported takes longer than everything else.
    let pip = ["-m", "pip", "install", "--no-compile", "--disable-pip-version-check", "--quiet", kind.requirement];
    run(Command::new(&python).args(pip))?;
    fs::write(&whole, kind.requirement).map_err(|error| format!("write {}: {error}", whole.display()))?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let told = command.stdin(Stdio::null()).output().map_err(|error| format!("run {command:?}: {error}"))?;
    if told.status.success() {
        return Ok(());
    }
    let said = [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Err(format!("{command:?} ended with {}:\n{said}", told.status))
}

fn start(kind: &Kind, python: &Path) -> Result<Server, String> {
    let mut why = String::new();
    for _ in 0..ATTEMPTS {
        match start_once(kind, python) {
            Ok(server) => return Ok(server),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn start_once(kind: &Kind, python: &Path) -> Result<Server, String> {
    let told = |error: std::io::Error| format!("start: {error}");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).map_err(told)?.port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // A pipe that nobody empties would stop it; the file has no name that anybody could find or would have to remove.
    let mut log = tempfile::tempfile().map_err(told)?;
    // What it leaves lying about, it leaves beside its installation.
    let litter = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}-files", kind.name, kind.version));
    fs::create_dir_all(&litter).map_err(told)?;
    let mut process = Command::new(python)
        .args(["-c", PRELUDE, kind.name, kind.script])
        .args((kind.arguments)(port))
        .envs((kind.environment)(port))
        .envs(["TMPDIR", "TEMP", "TMP"].map(|name| (name, &litter)))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().map_err(told)?)
        .stderr(log.try_clone().map_err(told)?)
        .spawn()
        .map_err(told)?;
    let began = Instant::now();
    while !is_ready(kind, address) {
        if let Some(status) = process.try_wait().map_err(told)? {
            return Err(format!("it ended with {status} before it answered:\n{}", text(&mut log)));
        }
        if began.elapsed() > PATIENCE {
            let _ = process.kill();
            let _ = process.wait();
            return Err(format!("it did not answer within {PATIENCE:?}:\n{}", text(&mut log)));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(Server { address, _process: process })
}

fn is_ready(kind: &Kind, address: SocketAddr) -> bool {
    super::http::request(address, "GET", kind.ready, &[], b"").is_ok_and(|answer| answer.status == 200)
}

/// What the server said.
fn text(log: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = log.flush();
    let _ = log.rewind();
    let _ = log.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
