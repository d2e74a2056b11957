//! Shows the bank on the screen, and reacts to keys and signals.

use std::{
    io,
    ops::ControlFlow,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    thread,
    time::Duration,
};

use ratatui::crossterm::event::{self as terminal_event, KeyEventKind};
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use signal_hook::consts::{SIGCONT, SIGTSTP};

use super::{
    draw::{Look, Moment, draw},
    event::{Event, PanicGuard},
    latest::Latest,
    screen::{self, Screen},
    view::{Action, View},
};
use crate::terminal::{Failure, Status, catch_each_signal, catch_job_control, print_error};

/// Shows the bank until a key or a signal ends it.
pub(super) fn run(latest: &Latest, events: &Receiver<Event>) -> Result<Status, Failure> {
    let mut screen = Screen::enter().map_err(|error| terminal_error(&error))?;
    catch_signals(&latest.events())?;
    read_keys(latest.events())?;
    let shown = show(&mut screen, latest, events);
    drop(screen);
    if let Some(message) = screen::panic_message() {
        print_error(&message);
        std::panic::resume_unwind(Box::new(message));
    }
    shown.map(|()| Status::Ok).map_err(|error| terminal_error(&error))
}

fn terminal_error(error: &io::Error) -> Failure {
    Failure::usage(format_args!("terminal: {error}"))
}

fn show(screen: &mut Screen, latest: &Latest, events: &Receiver<Event>) -> io::Result<()> {
    let look = Look::of_environment();
    let mut view = View::default();
    loop {
        let (bank, past) = (latest.get(), latest.past());
        let moment = Moment::system();
        view.limit(bank.units.len());
        screen.draw(|frame| draw(frame, &bank, &past, &mut view, &moment, look))?;
        // Ages change each second.
        let mut next = match events.recv_timeout(Duration::from_secs(1)) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        // Everything that waits is shown with one drawing.
        while let Some(event) = next {
            if react(event, screen, &mut view, bank.units.len(), events)?.is_break() {
                return Ok(());
            }
            next = events.try_recv().ok();
        }
    }
}

fn react(
    event: Event,
    screen: &mut Screen,
    view: &mut View,
    units: usize,
    events: &Receiver<Event>,
) -> io::Result<ControlFlow<()>> {
    match event {
        Event::Key(key) => match view.key(key, units) {
            Action::Draw => {}
            Action::Redraw => screen.clear()?,
            Action::Quit => return Ok(ControlFlow::Break(())),
            Action::Suspend => {
                // All programs of the job stop, as if the terminal had sent the signal.
                return suspend(screen, events, || kill_current_process_group(Signal::STOP));
            }
        },
        Event::Signal(SIGTSTP) => {
            return suspend(screen, events, || kill_process(getpid(), Signal::STOP));
        }
        // The program was stopped by SIGSTOP, which cannot be caught.
        Event::Signal(SIGCONT) => screen.take()?,
        Event::Signal(_) | Event::Panicked => return Ok(ControlFlow::Break(())),
        Event::InputEnded(error) => return Err(error),
        Event::Changed { .. } | Event::Resized => {}
    }
    Ok(ControlFlow::Continue(()))
}

/// Leaves the terminal, stops, and takes the terminal again when the shell continues the program.
fn suspend(
    screen: &mut Screen,
    events: &Receiver<Event>,
    stop: impl FnOnce() -> rustix::io::Result<()>,
) -> io::Result<ControlFlow<()>> {
    screen::leave();
    stop()?;
    loop {
        match events.recv() {
            Ok(Event::Signal(SIGCONT)) => break,
            Ok(Event::Signal(SIGTSTP) | Event::Changed { .. } | Event::Key(_) | Event::Resized) => {
            }
            Ok(Event::InputEnded(error)) => return Err(error),
            Ok(Event::Signal(_) | Event::Panicked) | Err(_) => return Ok(ControlFlow::Break(())),
        }
    }
    screen.take()?;
    Ok(ControlFlow::Continue(()))
}

/// Sends signals to the drawing thread. If it does not react to a termination signal, because the terminal takes no
/// text, the second one ends the program.
fn catch_signals(events: &SyncSender<Event>) -> Result<(), Failure> {
    let terminations = events.clone();
    let mut is_second = false;
    catch_each_signal(move |signal| {
        if is_second {
            // The default action ends the program.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        is_second = true;
        let _ = terminations.try_send(Event::Signal(signal));
    })?;
    let events = events.clone();
    catch_job_control(move |signal| {
        let _ = events.send(Event::Signal(signal));
    })
}

/// Reads keys in a thread of its own, until the terminal is gone.
fn read_keys(events: SyncSender<Event>) -> Result<(), Failure> {
    let guard = PanicGuard(events.clone());
    let read = move || {
        let _guard = guard;
        loop {
            let event = match terminal_event::read() {
                Ok(terminal_event::Event::Key(key)) if key.kind != KeyEventKind::Release => {
                    Event::Key(key)
                }
                Ok(terminal_event::Event::Resize(..)) => Event::Resized,
                Ok(_) => continue,
                Err(error) => {
                    let _ = events.send(Event::InputEnded(error));
                    return;
                }
            };
            if events.send(event).is_err() {
                return;
            }
        }
    };
    let started = thread::Builder::new().name("keys".to_owned()).spawn(read);
    started.map(drop).map_err(|error| terminal_error(&error))
}
