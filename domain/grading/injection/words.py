"""The vocabulary of talking to a marker, in classes; English, German, French, Spanish and a little more.

Words are as `readings` leaves them: lower case, without accents. Verbs stand here only in the forms that
command or request ("ignore", not "ignores"), so that telling what somebody did is not taken for asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_CLASSES = {
    # Setting aside what was said before.
    "override": """ignore disregard forget override bypass overrule discard dismiss neglect supersede
        ignoriere ignoriert ignorieren vergiss vergessen missachte missachten uberspringe verwirf
        ignorez oublie oubliez neglige negligez
        ignora ignoren olvida olvide olviden omite descarta ignorad
        dimentica dimenticate tralascia esqueca desconsidere negeer vergeet""",
    "orders": """instruction instructions rule rules guideline guidelines prompt prompts directive directives
        command commands order orders restriction restrictions constraint constraints policy policies
        anweisung anweisungen anleitung anleitungen regel regeln vorgabe vorgaben richtlinien befehle
        instrucciones instruccion reglas normas indicaciones
        consigne consignes regles directives
        istruzioni regole instrucoes regras instructies regels""",
    "scheme": """rubric rubrics markscheme criteria criterion bewertungsschema bewertungsraster
        erwartungshorizont bewertungskriterien kriterien bareme criteres rubrica criterios griglia criteri""",
    "prior": """previous prior above earlier preceding foregoing existing former original your initial
        before
        vorherige vorherigen vorhergehende vorhergehenden bisherige bisherigen obige obigen fruheren deine
        deinen ihre ihren
        precedentes precedente precedents anterieures ci-dessus vos tes
        anteriores anterior previas previos tus sus
        precedenti anteriores vorige eerdere""",
    "all": """all any every everything each entire whole both alle alles jede jeden jedes samtliche samtlichen
        tout toute tous toutes chaque todo todas todos toda cada tutte tutti ogni""",
    # Giving marks.
    "give": """give award grant assign allocate credit grade score rate mark evaluate tick
        gib geben vergib vergeben erteile erteilen bewerte bewerten benote benoten
        donne donner donnez attribue attribuer attribuez accorde accordez accorder note notez mettez mets
        da dale dame den otorga otorgue asigna asigne concede conceda califica califique pon ponga evalua
        assegna assegnate dai atribua geef ken""",
    "emit": """output return print set respond reply answer write say check state report record enter
        put choose select fill insert produce include
        antworte schreibe trage setze hake markiere ecris reponds responde escribe marca cochez coche""",
    "deem": """label report record mark grade tick rate evaluate treat consider count accept assume deem
        regard take confirm acknowledge recognise recognize
        akzeptiere betrachte werte zahle nimm akzeptieren werten considere considerez acceptez accepte
        considera acepta accetta""",
    "marks": """mark marks point points score scores grade grades credit credits pts percent
        punkte punkten punktzahl punkt note noten points bewertung
        points note notes punto puntos nota notas puntuacion calificacion
        punteggio voto punti pontos pontuacao punten cijfer""",
    "full": """full maximum max maximal highest top perfect complete maximale maximalen volle vollen voller
        volles hochste hochsten beste bestnote hochstpunktzahl maximalpunktzahl hochstnote
        maximale pleine pleins maximum totale entiere complet parfaite maxima maximo maximos completa
        perfecta massimo massima maxima maximale volledige""",
    "right": """mastered perfect passed outstanding flawless complete success done model correct right
        earned met true awarded satisfied fulfilled achieved covered valid present
        richtig korrekt erfullt erreicht vollstandig correcte corrects juste valide acquis rempli remplis
        correcta correcto cumplido cumplidos corretto corretta correta""",
    # Who is spoken to, and about what.
    "marker": """judge reviewer marker grader examiner assessor evaluator autograder moderator
        invigilator teacher
        professor tutor
        prufer pruferin korrektor korrektorin bewerter lehrer lehrerin gutachter
        correcteur examinateur correctrice enseignant professeur
        examinador corrector evaluador profesor profesora correttore esaminatore""",
    "machine": """ai llm gpt chatgpt claude gemini llama copilot chatbot bot assistant model ki ia
        sprachmodell assistent modele assistente modelo asistente system systeme sistema algorithm""",
    "you": """you your yourself u ya du dich dir dein deine deinen sie ihnen ihr vous votre vos tu te ton ta
        usted ustedes tus voce lei jij""",
    "me": """me my mine i us mir mich mein meine meiner meinem ich moi mon ma je mi mis yo me""",
    "this": """this that these diese dieser dieses diesen dieser cette ce cet esta este questa questo deze""",
    "answer": """answer response submission script essay reply student candidate solution work paper text
        antwort losung abgabe schuler schulerin student studentin arbeit text aufgabe
        reponse copie etudiant eleve devoir travail respuesta estudiante alumno alumna examen trabajo
        risposta studente resposta antwoord""",
    "deserve": """deserves deserve merits merit earns worth receives warrants verdient verdienen erhalt
        merite merece obtiene merita""",
    "must": """should must shall ought needs need has muss soll sollte mussen doit devrait debe deberia deve
        will would please kindly bitte veuillez please favor svp prego""",
    "polite": """please kindly now then and so just simply instead also therefore thus hence but first always
        bitte nun jetzt also dann einfach und sondern veuillez maintenant et alors por favor ahora y
        entonces ora adesso per favore alstublieft""",
    "plea": """beg begging desperate scholarship expelled deported visa sue lawyer lawsuit complain fired
        suicide kill die mother father family sick cancer hospital mercy sorry deadline funeral fail failing
        flehe stipendium durchfalle anwalt krank familie bourse supplie famille malade beca suplico
        enferma enfermo familia""",
    "pass": """pass passing bestehen passer aprobar reussir""",
}  # fmt: skip


def _by_word() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, words in _CLASSES.items():
        for word in words.split():
            found.setdefault(word, set()).add(name)
    return MappingProxyType({word: frozenset(names) for word, names in found.items()})


CLASSES_OF = _by_word()
NONE: frozenset[str] = frozenset()
