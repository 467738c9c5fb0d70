// Programs ask the terminal what it is. The Runner answers, once, for everybody; a page that answered too would
// type junk into the program, and again at each replay. So every question is swallowed here.

const CSI_QUESTIONS = [
  { final: "c" }, // DA1
  { prefix: ">", final: "c" }, // DA2
  { prefix: "=", final: "c" }, // DA3
  { final: "n" }, // DSR, CPR
  { prefix: "?", final: "n" }, // DECXCPR and others
  { prefix: ">", final: "q" }, // XTVERSION
  { prefix: "?", final: "u" }, // kitty keyboard
  { intermediates: "$", final: "p" }, // DECRQM
  { prefix: "?", intermediates: "$", final: "p" }, // DECRQM, private modes
  { final: "x" }, // DECREQTPARM
];
const DCS_QUESTIONS = [
  { intermediates: "$", final: "q" }, // DECRQSS
  { intermediates: "+", final: "q" }, // XTGETTCAP
];
const COLOUR_OSCS = [4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]; // "?" in place of a colour asks for it
const SIZE_REPORTS = new Set([11, 13, 14, 15, 16, 18, 19, 20, 21]); // of CSI t

export function swallowQuestions({ parser }) {
  for (const id of CSI_QUESTIONS) parser.registerCsiHandler(id, () => true);
  for (const id of DCS_QUESTIONS) parser.registerDcsHandler(id, () => true);
  for (const number of COLOUR_OSCS) parser.registerOscHandler(number, (data) => data.split(";").includes("?"));
  parser.registerOscHandler(52, () => true); // the clipboard is the person's
  parser.registerCsiHandler({ final: "t" }, (parameters) => SIZE_REPORTS.has(parameters[0]));
  parser.registerEscHandler({ final: "Z" }, () => true); // DECID
}
