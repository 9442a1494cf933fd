//! `qingyuan serve`: the HTTP API over a book on this machine.

use crate::book::{self, ClockKind};
use crate::channels_file::ChannelsFile;
use crate::cli::ServeArguments;
use crate::connectors::{self, InstitutionKeys};
use crate::failure::Failure;
use crate::holidays;
use crate::output::say;
use crate::regulation;
use crate::settings;
use crate::shared_book;
use crate::writing::{Kept, LEASE};
use calendar::shanghai_date;
use domain::QingyuanApp;
use domain::regulation::Institution;
use engine::runtime::{Clock, SystemClock};
use engine::store::lease::Holder;
use sandbox::wechat::AutoPay;
use sandbox::{RunningSandbox, Sandbox, SandboxConfig};
use serde_json::json;
use server::book::{Book, BookRules};
use server::{ApiKeyConfig, Connectors, Role, Server};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Keys that `--sandbox` knows; a real server has only those of its configuration.
const SANDBOX_KEYS: [(&str, Role); 4] = [
    ("sandbox-operator", Role::Operator),
    ("sandbox-finance", Role::Finance),
    ("sandbox-checker", Role::Finance),
    ("sandbox-ledger", Role::Ledger),
];

/// Serves until interrupted or told to end.
pub fn run(arguments: &ServeArguments) -> Result<bool, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::other)?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &ServeArguments) -> Result<bool, Failure> {
    let configuration = settings::read(arguments.config.as_deref())?;
    let (mut config, public_url_given) = (configuration.server, configuration.public_url_given);
    if let Some(bind) = arguments.bind {
        config.bind = bind;
    }
    let mut book_settings = configuration.settings;
    let institution_known = configuration.institution_given || arguments.sandbox;
    if !configuration.institution_given && arguments.sandbox {
        book_settings.institution = Institution::sample();
    }
    // Before the book is opened: a broken pack shows without touching it.
    let packs = Arc::new(regulation::load(arguments.rules.as_deref())?);
    let app = QingyuanApp::new(book_settings, packs).map_err(Failure::other)?;
    tracing::info!(
        packs = app.packs().hash(),
        rules = app.packs().rules().len(),
        "rule packs"
    );
    let calendar = app.settings().calendar.clone();
    let rules = BookRules {
        adopt: arguments.activate_rules,
        ..BookRules::of(&app)
    };
    let channels = arguments.channels.as_deref();
    let channels = channels.map(ChannelsFile::read).transpose()?;
    let listener = tokio::net::TcpListener::bind(config.bind)
        .await
        .map_err(|error| Failure::other(format!("cannot listen on {}: {error}", config.bind)))?;
    let address = listener.local_addr().map_err(Failure::other)?;
    if arguments.sandbox || !public_url_given {
        config.public_url = format!("http://{address}");
    }
    // Before the book is opened: what is wrong with keys shows without touching it.
    let connectors = match &channels {
        Some(file) => file.connectors(&config.public_url)?,
        None => Connectors::default(),
    };
    if arguments.sandbox {
        config.webhooks.allow_private = true;
        config.merchant_bearer = true;
        let keys =
            SANDBOX_KEYS.map(|(token, role)| ApiKeyConfig::of_token(token, token, token, role));
        config.api_keys.extend(keys);
    }
    let kept = match &arguments.postgres {
        None => Kept::Here(book::start(
            &arguments.data,
            Arc::new(SystemClock),
            ClockKind::Real,
            app.clone(),
        )?),
        Some(url) => {
            let (url, shards) = (url.clone(), arguments.shards);
            let directory = arguments.data.clone();
            let holder = holder(arguments, address)?;
            let app = app.clone();
            let rules = rules.clone();
            let open =
                move || shared_book::open(&url, shards, LEASE, holder, &directory, app, rules);
            let opened = tokio::task::spawn_blocking(open).await;
            Kept::Shared(opened.map_err(Failure::other)??)
        }
    };
    if let Kept::Here(running) = &kept {
        let (engine, rules) = (running.engine.clone(), rules.clone());
        let set_up = move || book::set_up(&engine, &rules);
        let done = tokio::task::spawn_blocking(set_up).await;
        done.map_err(Failure::other)??;
    }
    let simulated = if arguments.sandbox {
        Some(simulate(arguments, address).await?)
    } else {
        None
    };
    let connectors = match &simulated {
        Some((_, connectors)) => connectors.clone(),
        None => connectors,
    };
    let server = Server::new(&config, kept.book(), connectors)
        .map_err(Failure::other)?
        .with_rules(app.library().clone())
        .with_holidays(&calendar);
    // What only deserves attention is said once the start can go on: one that fails says one sentence.
    if !institution_known {
        tracing::warn!(
            "the configuration has no [institution]: what rules ask about it is not known, and they answer facts_missing"
        );
    }
    holidays::tell(&calendar, shanghai_date(SystemClock.now()));
    let rules_in_force = tell_rules(&kept.book(), &app).await?;
    let performer = server.performer();
    let server = server.start(listener).map_err(Failure::other)?;
    let writing = kept.write(performer)?;
    // Whoever reads the announcement may end the server at once.
    let ending = Ending::listen()?;
    announce(
        arguments,
        address,
        simulated.as_ref().map(|(sandbox, _)| sandbox),
        channels.as_ref(),
        &rules_in_force,
    )?;
    let died = tokio::select! {
        () = ending.comes() => None,
        part = writing.dies() => Some(part),
    };
    match died {
        None => crate::output::note(format_args!(
            "Stopping: requests under way are answered, account checkpoints are written."
        )),
        Some(part) => tracing::error!(part, "a part of the server has ended by itself"),
    }
    writing.stop(server).await?;
    if let Some((sandbox, _)) = simulated {
        sandbox.stop().await;
    }
    match died {
        None => Ok(true),
        Some(part) => Err(Failure::other(format!(
            "{part} has ended by itself, for the reason logged above: start the server again"
        ))),
    }
}

/// This process as the other servers of the book see it.
fn holder(arguments: &ServeArguments, address: SocketAddr) -> Result<Holder, Failure> {
    let address = match &arguments.advertise {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => {
            url.trim_end_matches('/').to_owned()
        }
        Some(url) => {
            return Err(Failure::other(format!(
                "--advertise {url}: an address of the form http://host:port is needed"
            )));
        }
        None if address.ip().is_unspecified() => {
            return Err(Failure::other(format!(
                "other servers cannot reach this one at {address}: say with --advertise under which URL they do"
            )));
        }
        None => format!("http://{address}"),
    };
    Ok(Holder {
        server: format!("{}-{}", std::process::id(), random_name()),
        address,
    })
}

/// Tells two starts of a server apart.
fn random_name() -> String {
    let mut bytes = [0u8; 8];
    // Without random numbers nothing else works either, and says so.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}

/// The hash of the packs that decide now, and a warning where they are not those that this server was
/// started with.
async fn tell_rules(book: &Book, app: &QingyuanApp) -> Result<String, Failure> {
    let reader = book.clone();
    let active = tokio::task::spawn_blocking(move || reader.active_packs()).await;
    let active = active.map_err(Failure::other)??;
    let own = app.packs().hash();
    let Some(active) = active else {
        return Ok(own.to_owned());
    };
    if active != own {
        tracing::warn!(
            active,
            own,
            "the book decides by other rule packs than those that this server was started with: POST /v1/rules/packs and /v1/rules/activations change that"
        );
    }
    Ok(active)
}

/// Starts simulated channels whose keys and the institution's live in the data directory.
async fn simulate(
    arguments: &ServeArguments,
    address: SocketAddr,
) -> Result<(RunningSandbox, Connectors), Failure> {
    let directory = arguments.data.join("sandbox");
    create(&directory)?;
    let keys = InstitutionKeys::load_or_generate(&directory)?;
    let sandbox = Sandbox::start(SandboxConfig {
        key_directory: Some(directory),
        wechat_port: arguments.wechat_port,
        unionpay_port: arguments.unionpay_port,
        wechat: sandbox::WechatSettings {
            bill_ready_hour: None,
            ..sandbox::WechatSettings::default()
        },
        ..SandboxConfig::default()
    })
    .await?;
    connectors::register(&sandbox, &keys, |terms| {
        if let Some(seconds) = arguments.auto_pay {
            terms.auto_pay = Some(AutoPay {
                after_millis: seconds * 1_000,
                spread_millis: 0,
                abandon_ppm: 0,
            });
        }
    })?;
    let connectors = connectors::connectors(&sandbox, &keys, &format!("http://{address}"))?;
    Ok((sandbox, connectors))
}

fn create(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, error))
}

/// Says where everything is; one JSON line for programs.
fn announce(
    arguments: &ServeArguments,
    address: SocketAddr,
    sandbox: Option<&RunningSandbox>,
    channels: Option<&ChannelsFile>,
    packs: &str,
) -> Result<(), Failure> {
    let control = sandbox.map(|sandbox| sandbox.parameters().control_url);
    if arguments.json {
        return crate::output::json(
            &json!({"url": format!("http://{address}"), "sandbox_control": control, "packs": packs}),
        );
    }
    say!("Qingyuan answers at http://{address} (API description: /openapi.json).");
    match &arguments.postgres {
        None => say!("The book is in {}.", arguments.data.display()),
        Some(_) => say!(
            "The book is in PostgreSQL; its vault key is that of {} or of the environment.",
            arguments.data.display()
        ),
    }
    say!("Rule packs: {}.", packs.get(..16).unwrap_or_default());
    if let Some(control) = control {
        say!("Simulated channels are controlled at {control}/sandbox/… .");
        say!(
            "Keys for trying: sandbox-operator, sandbox-finance, sandbox-checker (its second person), sandbox-ledger. Never use --sandbox for real money."
        );
    } else if let Some(channels) = channels {
        say!("Channels: {}.", channels.names().join(", "));
    } else {
        say!(
            "No channel is configured (--channels, or --sandbox to try): payments cannot be collected."
        );
    }
    Ok(())
}

/// Ctrl-C or a request to terminate, remembered from here on.
struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    fn listen() -> Result<Ending, Failure> {
        Ok(Ending {
            interrupt: signal(SignalKind::interrupt()).map_err(Failure::other)?,
            terminate: signal(SignalKind::terminate()).map_err(Failure::other)?,
        })
    }

    async fn comes(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
