package peer;

import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.JournalType;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;

/** Artemis, durable: java -cp … peer.Peer PORT FOLDER. */
public final class Peer {
    private Peer() {}

    public static void main(String[] arguments) throws Exception {
        String folder = arguments[1];
        var configuration = new ConfigurationImpl()
                .setPersistenceEnabled(true)
                .setSecurityEnabled(false)
                .setJournalType(JournalType.valueOf(System.getProperty("journal", "NIO")))
                // As durable as the others: a receipt comes after the sync.
                .setJournalSyncTransactional(true)
                .setJournalSyncNonTransactional(true)
                .setJournalDirectory(folder + "/journal")
                .setBindingsDirectory(folder + "/bindings")
                .setPagingDirectory(folder + "/paging")
                .setLargeMessagesDirectory(folder + "/large")
                .addAddressSetting("#", new AddressSettings().setAutoDeleteQueues(false).setAutoDeleteAddresses(false))
                .addAcceptorConfiguration("stomp", "tcp://127.0.0.1:" + arguments[0]
                        + "?protocols=STOMP;anycastPrefix=/queue/;multicastPrefix=/topic/;stompMaxFramePayloadLength=1048576");
        // Milliseconds that the journal waits for more to sync with: 0.5 is what its own tool would choose for a fast disk.
        long nanos = Long.getLong("buffer.ns", 500_000);
        configuration.setJournalBufferTimeout_NIO((int) nanos).setJournalBufferTimeout_AIO((int) nanos);
        new EmbeddedActiveMQ().setConfiguration(configuration).start();
    }
}
