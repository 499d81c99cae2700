//! Assistants: made, changed, copied with what they remember, and deleted with everything of theirs.

use backstay_core::{
    AssistantId, AssistantSettings, CallContext, Error, ErrorCode, MemoryId, Name, Result,
    ThreadId,
    document::DocumentOwner,
    memory::{MemoryState, RecalledId, Scope},
};
use backstay_store::{Assistant, STATEMENT_CHANGES_MAX, StatementChange, StatementSet, Workspace};

use crate::{Engine, import::digest};

const NAME_CHARACTERS_MAX: usize = 255;
/// Instructions, descriptions and prompts of an assistant.
const TEXT_BYTES_MAX: usize = 256 * 1024;
const TOOLS_MAX: usize = 128;
const PASSAGES_MAX: u32 = 100;
/// What is deleted in one step when an assistant is.
const AT_ONCE: usize = 500;

/// The name of the assistant that answers where a client names none.
const DEFAULT_NAME: &str = "Default Assistant";

/// An assistant to be made.
#[derive(Clone, Debug, Default)]
pub struct NewAssistant {
    pub name: String,
    pub settings: AssistantSettings,
}

/// What is changed of an assistant; `None` leaves it as it is.
pub struct AssistantPatch {
    pub name: Option<String>,
    pub settings: Box<dyn FnOnce(&mut AssistantSettings) + Send>,
}

/// What is to be copied of an assistant beside its settings.
pub struct CloneWish {
    /// That of the source with " Copy", unless told.
    pub name: Option<String>,
    pub system_prompt: Option<String>,
    pub documents: bool,
    pub memories: bool,
}

/// What a copy took along.
pub struct ClonedAssistant {
    pub assistant: Assistant,
    pub documents: usize,
    pub memories: usize,
}

impl Engine {
    pub async fn create_assistant(
        &self,
        context: &CallContext,
        new: NewAssistant,
    ) -> Result<Assistant> {
        check_name(&new.name)?;
        check(&new.settings)?;
        let assistant = self.assistant_of(new)?;
        let store = self.store().workspace(&context.workspace);
        if store.add_assistant(assistant.clone()).await? {
            return Ok(assistant);
        }
        Err(Error::internal("a new assistant's id is taken"))
    }

    fn assistant_of(&self, new: NewAssistant) -> Result<Assistant> {
        let id = AssistantId::new(self.clock(), self.random())?;
        let scope = id.to_uuid().as_deref().and_then(Name::parse);
        Ok(Assistant {
            scope: scope.ok_or_else(|| Error::internal("an assistant without a UUID"))?,
            id,
            name: new.name,
            settings: new.settings,
            created_at: self.clock().now(),
        })
    }

    /// # Errors
    /// `not_found`, also for one of another workspace.
    pub async fn assistant(&self, context: &CallContext, id: &AssistantId) -> Result<Assistant> {
        let store = self.store().workspace(&context.workspace);
        store.assistant(id).await?.ok_or_else(missing)
    }

    /// The assistant that is meant where a client names none: the one whose memory other interfaces
    /// call `default`. It is made when it is first asked for.
    pub async fn default_assistant(&self, context: &CallContext) -> Result<Assistant> {
        self.assistant_of_scope(context, &Name::default_assistant()).await
    }

    /// The assistant whose memory other interfaces know by a name, made when it is first asked for.
    pub async fn assistant_of_scope(
        &self,
        context: &CallContext,
        scope: &Name,
    ) -> Result<Assistant> {
        let store = self.store().workspace(&context.workspace);
        if let Some(assistant) = store.assistant_of_scope(scope).await? {
            return Ok(assistant);
        }
        let digits = digest(&[context.workspace.as_str(), scope.as_str()]);
        let assistant = Assistant {
            id: AssistantId::implied(&digits),
            scope: scope.clone(),
            name: if *scope == Name::default_assistant() { DEFAULT_NAME } else { scope.as_str() }
                .to_owned(),
            settings: AssistantSettings::default(),
            created_at: self.clock().now(),
        };
        store.add_assistant(assistant.clone()).await?;
        Ok(store.assistant_of_scope(scope).await?.unwrap_or(assistant))
    }

    /// # Errors
    /// `not_found`; `invalid_request` when the result breaks a limit, and then nothing is changed.
    pub async fn update_assistant(
        &self,
        context: &CallContext,
        id: &AssistantId,
        patch: AssistantPatch,
    ) -> Result<Assistant> {
        let mut wanted = self.assistant(context, id).await?;
        if let Some(name) = patch.name {
            check_name(&name)?;
            wanted.name = name;
        }
        (patch.settings)(&mut wanted.settings);
        check(&wanted.settings)?;
        let store = self.store().workspace(&context.workspace);
        let Assistant { name, settings, .. } = wanted;
        let changed = store.update_assistant(id, move |assistant| {
            assistant.name = name;
            assistant.settings = settings;
        });
        changed.await?.ok_or_else(missing)
    }

    /// Copies an assistant, and on request its documents and what it remembers as statements. Threads are
    /// not copied.
    pub async fn clone_assistant(
        &self,
        context: &CallContext,
        source: &Assistant,
        wish: CloneWish,
    ) -> Result<ClonedAssistant> {
        let mut settings = source.settings.clone();
        if wish.system_prompt.is_some() {
            settings.system_prompt = wish.system_prompt;
        }
        let name = wish.name.unwrap_or_else(|| format!("{} Copy", source.name));
        let assistant = self.create_assistant(context, NewAssistant { name, settings }).await?;
        let (from, to) = (&source.scope, &assistant.scope);
        let memories = match wish.memories {
            true => self.copy_memories(context, from, to).await?,
            false => 0,
        };
        let documents = match wish.documents {
            true => self.copy_documents(context, &documents_of(from), &documents_of(to)).await?,
            false => 0,
        };
        Ok(ClonedAssistant { assistant, documents, memories })
    }

    async fn copy_memories(&self, context: &CallContext, from: &Name, to: &Name) -> Result<usize> {
        let store = self.store().workspace(&context.workspace);
        let of = |assistant: &Name| Scope { assistant: assistant.clone(), user: None };
        let known = store.scope_statements(&of(from), StatementSet::Believed).await?.statements;
        let active = known.into_iter().filter(|known| known.said.state == MemoryState::Active);
        // The turns that they rest on stay where they were said.
        let additions: Vec<StatementChange> = active
            .map(|known| {
                let mut said = known.said;
                said.sources.clear();
                StatementChange::Add(said)
            })
            .collect();
        let count = additions.len();
        for some in additions.chunks(STATEMENT_CHANGES_MAX) {
            store.change_statements(&of(to), some.to_vec(), self.clock().now()).await?;
        }
        self.jobs().embed_soon();
        Ok(count)
    }

    /// Deletes an assistant with its threads and everything that it remembers, itself last: what was cut
    /// off half-way can be done again.
    pub async fn delete_assistant(
        &self,
        context: &CallContext,
        assistant: &Assistant,
    ) -> Result<()> {
        let store = self.store().workspace(&context.workspace);
        let scope = assistant.memory_scope();
        self.delete_threads(&store, &scope).await?;
        self.forget_statements(context, &store, &scope).await?;
        self.delete_documents_of(context, &documents_of(&assistant.scope)).await?;
        store.delete_assistant(&assistant.id).await?;
        Ok(())
    }

    async fn delete_threads(&self, store: &Workspace, scope: &Scope) -> Result<()> {
        let mut after: Option<ThreadId> = None;
        loop {
            let ids = store.thread_ids(Some(scope), after.as_ref(), AT_ONCE).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(last.clone());
            for id in &ids {
                store.delete_thread(id, self.clock().now()).await?;
            }
        }
    }

    async fn forget_statements(
        &self,
        context: &CallContext,
        store: &Workspace,
        scope: &Scope,
    ) -> Result<()> {
        let mut after: Option<MemoryId> = None;
        loop {
            let ids = store.statement_ids(Some(scope), after.as_ref(), AT_ONCE).await?;
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(last.clone());
            let ids: Vec<RecalledId> = ids.into_iter().map(RecalledId::from).collect();
            self.memory().forget(&context.workspace, &ids, self.clock().now()).await?;
        }
    }
}

/// The assistant's own documents, which all of its threads find.
fn documents_of(scope: &Name) -> DocumentOwner {
    DocumentOwner::Assistant { assistant: scope.clone() }
}

fn missing() -> Error {
    Error::new(ErrorCode::NotFound, "Assistant not found")
}

fn check_name(name: &str) -> Result<()> {
    if (1..=NAME_CHARACTERS_MAX).contains(&name.trim().chars().count()) {
        return Ok(());
    }
    let message = format!("an assistant's name has 1 to {NAME_CHARACTERS_MAX} characters");
    Err(Error::invalid(message).with_parameter("name"))
}

fn check(settings: &AssistantSettings) -> Result<()> {
    let texts = [
        ("description", &settings.description),
        ("system_prompt", &settings.system_prompt),
        ("custom_fact_extraction_prompt", &settings.fact_prompt),
        ("custom_update_memory_prompt", &settings.update_prompt),
    ];
    for (parameter, text) in texts {
        if text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            let message = format!("{parameter} has at most {TEXT_BYTES_MAX} bytes");
            return Err(Error::invalid(message).with_parameter(parameter));
        }
    }
    if settings.tools.len() > TOOLS_MAX {
        let message = format!("an assistant has at most {TOOLS_MAX} tools");
        return Err(Error::invalid(message).with_parameter("tools"));
    }
    if settings.passages.is_some_and(|passages| !(1..=PASSAGES_MAX).contains(&passages)) {
        let message = format!("tok_k must be between 1 and {PASSAGES_MAX}");
        return Err(Error::invalid(message).with_parameter("tok_k"));
    }
    Ok(())
}
