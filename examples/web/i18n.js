// The page's words. A missing one falls back to English.

const WORDS = {
  en: {
    name: "English", title: "Live", stages: "Stages", video: "Live picture", controls: "Controls",
    waiting: "The show has not begun", waiting_hint: "This page starts by itself.",
    paused_show: "The picture is away for a moment", paused_show_hint: "It comes back by itself.",
    ended: "The show is over", ended_hint: "Thank you for watching.",
    lost: "No connection to the box", lost_hint: "Are you still in its Wi-Fi? Trying again…",
    unsupported: "This browser cannot play the stream", unsupported_hint: "Try a current Chrome, Firefox, Edge or Safari.",
    blocked: "Press Play to start", blocked_hint: "Your browser waits for you.",
    play: "Play", pause: "Pause", mute: "Sound off", unmute: "Turn the sound on", volume: "Volume",
    captions: "Captions", full: "Full screen", leave_full: "Leave full screen", behind: "Behind the stage",
    seconds: "{n} s", language: "Language", playing: "Playing", reconnecting: "Reconnecting…",
    keys: "Keys: space pause, M sound, C captions, F full screen, L back to live.",
  },
  de: {
    name: "Deutsch", title: "Live", stages: "Bühnen", video: "Livebild", controls: "Bedienung",
    waiting: "Die Show hat noch nicht begonnen", waiting_hint: "Diese Seite startet von selbst.",
    paused_show: "Das Bild ist einen Moment weg", paused_show_hint: "Es kommt von selbst wieder.",
    ended: "Die Show ist zu Ende", ended_hint: "Danke fürs Zuschauen.",
    lost: "Keine Verbindung zur Box", lost_hint: "Noch in ihrem WLAN? Neuer Versuch…",
    unsupported: "Dieser Browser kann den Stream nicht abspielen", unsupported_hint: "Bitte aktuelles Chrome, Firefox, Edge oder Safari nehmen.",
    blocked: "Zum Starten auf Abspielen drücken", blocked_hint: "Der Browser wartet auf Sie.",
    play: "Abspielen", pause: "Pause", mute: "Ton aus", unmute: "Ton einschalten", volume: "Lautstärke",
    captions: "Untertitel", full: "Vollbild", leave_full: "Vollbild verlassen", behind: "Hinter der Bühne",
    seconds: "{n} s", language: "Sprache", playing: "Läuft", reconnecting: "Verbinde neu…",
    keys: "Tasten: Leertaste Pause, M Ton, C Untertitel, F Vollbild, L zurück zu live.",
  },
  fr: {
    name: "Français", title: "En direct", stages: "Scènes", video: "Image en direct", controls: "Commandes",
    waiting: "Le spectacle n’a pas commencé", waiting_hint: "Cette page démarre toute seule.",
    paused_show: "L’image est interrompue un instant", paused_show_hint: "Elle revient toute seule.",
    ended: "Le spectacle est terminé", ended_hint: "Merci d’avoir regardé.",
    lost: "Pas de connexion avec le boîtier", lost_hint: "Êtes-vous encore sur son Wi-Fi ? Nouvel essai…",
    unsupported: "Ce navigateur ne peut pas lire le flux", unsupported_hint: "Essayez un Chrome, Firefox, Edge ou Safari récent.",
    blocked: "Appuyez sur Lecture pour commencer", blocked_hint: "Votre navigateur vous attend.",
    play: "Lecture", pause: "Pause", mute: "Couper le son", unmute: "Activer le son", volume: "Volume",
    captions: "Sous-titres", full: "Plein écran", leave_full: "Quitter le plein écran", behind: "Retard sur la scène",
    seconds: "{n} s", language: "Langue", playing: "Lecture en cours", reconnecting: "Reconnexion…",
    keys: "Touches : espace pause, M son, C sous-titres, F plein écran, L direct.",
  },
  es: {
    name: "Español", title: "En directo", stages: "Escenarios", video: "Imagen en directo", controls: "Controles",
    waiting: "El espectáculo no ha empezado", waiting_hint: "Esta página empieza sola.",
    paused_show: "La imagen se ha ido un momento", paused_show_hint: "Vuelve sola.",
    ended: "El espectáculo ha terminado", ended_hint: "Gracias por mirar.",
    lost: "Sin conexión con la caja", lost_hint: "¿Sigue en su wifi? Reintentando…",
    unsupported: "Este navegador no puede reproducir la emisión", unsupported_hint: "Pruebe un Chrome, Firefox, Edge o Safari actual.",
    blocked: "Pulse Reproducir para empezar", blocked_hint: "Su navegador le espera.",
    play: "Reproducir", pause: "Pausa", mute: "Quitar el sonido", unmute: "Activar el sonido", volume: "Volumen",
    captions: "Subtítulos", full: "Pantalla completa", leave_full: "Salir de pantalla completa", behind: "Retraso respecto al escenario",
    seconds: "{n} s", language: "Idioma", playing: "Reproduciendo", reconnecting: "Reconectando…",
    keys: "Teclas: espacio pausa, M sonido, C subtítulos, F pantalla completa, L directo.",
  },
};

let language = pick([remembered(), ...(navigator.languages ?? [navigator.language])]);

/** The word for `key` in the chosen language. */
export function word(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** A number of seconds with one decimal, as the language writes it. */
export function seconds(value) {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return word("seconds", { n: value.toLocaleString(language, digits) });
}

/** Writes the words into every element that names one, and fills the chooser. */
export function translate(chooser, changed) {
  for (const [code, words] of Object.entries(WORDS)) {
    chooser.append(new Option(words.name, code, false, code === language));
  }
  chooser.addEventListener("change", () => {
    language = chooser.value;
    try { localStorage.setItem("language", language); } catch { /* private window: not remembered */ }
    apply();
    changed();
  });
  apply();
}

function apply() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
}

function remembered() {
  try { return localStorage.getItem("language"); } catch { return null; }
}

function pick(wanted) {
  for (const tag of wanted) {
    const code = String(tag ?? "").toLowerCase().split("-")[0];
    if (code in WORDS) return code;
  }
  return "en";
}
